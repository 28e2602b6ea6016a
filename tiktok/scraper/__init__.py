"""The one door to ScrapeCreators: a typed client, and the objects that its answers become."""

from tiktok.scraper.calls import Call, PlannedCall
from tiktok.scraper.client import ScrapeCreators
from tiktok.scraper.errors import ScrapeError
from tiktok.scraper.handles import parse_handle, parse_post_url, post_url
from tiktok.scraper.parse import parse_page, parse_profile, parse_video
from tiktok.scraper.transport import ScraperConfig

__all__ = [
    "Call",
    "PlannedCall",
    "ScrapeCreators",
    "ScrapeError",
    "ScraperConfig",
    "parse_handle",
    "parse_page",
    "parse_post_url",
    "parse_profile",
    "parse_video",
    "post_url",
]

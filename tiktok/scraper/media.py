"""Turn TikTok's addresses into media: which variant, which link first, which name for good."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from tiktok.scraper import values
from tiktok.scraper.answers import Address, Author, ImagePost, User, Video
from tiktok.scraper.schemas import MediaKind, ScrapedMedia, ScrapedSlide

_X_EXPIRES = re.compile(r"[?&]x-expires=(\d{9,11})(?![^&#])", re.ASCII)
_HEX_EXPIRES = re.compile(r"/[0-9a-f]{32}/([0-9a-f]{8})/")
_EXPIRE = re.compile(r"[?&]expire=(\d{9,11})(?![^&#])", re.ASCII)
_SIGNED_PREFIX = re.compile(r"^[0-9a-f]{32}/[0-9a-f]{8}/")
_OLD_PREFIX = re.compile(r"^(?:aweme/\d+x\d+|img)/", re.ASCII)
_IMAGE_SUFFIX = re.compile(r"\.(?:jpe?g|webp|heic|heif|avif|png|gif|image)$", re.IGNORECASE)
_JPEG = re.compile(r"^[^?#]*\.jpe?g(?:[?#]|$)", re.IGNORECASE)
_API_FALLBACK = "/aweme/v1/play/"
_MAX_KEY = 200
_PICTURES: frozenset[MediaKind] = frozenset({"image", "cover", "avatar"})

_SLIDE_VARIANTS = (
    ("display", "display_image"),
    ("owner-watermark", "owner_watermark_image"),
    ("user-watermark", "user_watermark_image"),
    ("thumbnail", "thumbnail"),
)
_AVATAR_VARIANTS = (
    ("larger", "avatar_larger", "avatarLarger"),
    ("medium", "avatar_medium", "avatarMedium"),
    ("300x300", "avatar_300x300", ""),
    ("168x168", "avatar_168x168", ""),
    ("thumb", "avatar_thumb", "avatarThumb"),
)


def parse_expiry(url: str) -> datetime | None:
    """When a signed link dies, or ``None`` where it doesn't say.

    Images carry ``x-expires``, videos and sounds eight hex digits after the signature in the path,
    older links ``expire``; all are epoch seconds.
    """
    if (found := _X_EXPIRES.search(url)) and (moment := values.moment(int(found[1]))):
        return moment
    if (found := _HEX_EXPIRES.search(url)) and (moment := values.moment(int(found[1], 16))):
        return moment
    if found := _EXPIRE.search(url):
        return values.moment(int(found[1]))
    return None


def media(kind: MediaKind, variant: str, address: Address) -> ScrapedMedia | None:
    """The file at ``address``; ``None`` where nothing about it could serve as a lasting name.

    Width and height are left out on purpose: on covers and avatars TikTok states a placeholder.
    """
    name = identity(kind, address)
    if not name:
        return None
    urls = ranked(kind, address.url_list)
    return ScrapedMedia(
        kind=kind,
        source_key=source_key(kind, variant, name),
        urls=urls,
        expires_at=parse_expiry(urls[0]),
        byte_size=address.data_size,
    )


def source_key(kind: MediaKind, variant: str, name: str) -> str:
    """The name of a variant of a file: ``kind:variant:name``, at most 200 characters."""
    key = f"{kind}:{variant}:{name}"
    if len(key) <= _MAX_KEY:
        return key
    return f"{kind}:{variant}:sha256-{hashlib.sha256(name.encode()).hexdigest()}"


def ranked(kind: MediaKind, urls: Iterable[str]) -> tuple[str, ...]:
    """The order to try them in: as given, but JPEG before other pictures and the API last."""

    def rank(url: str) -> tuple[bool, bool]:
        return _API_FALLBACK in url, kind in _PICTURES and not _JPEG.match(url)

    return tuple(sorted(urls, key=rank))


def identity(kind: MediaKind, address: Address) -> str:
    """TikTok's ``uri``, or what is lasting in a URL where the ``uri`` is a URL itself or missing.

    Empty where there is neither.
    """
    uri = address.uri.partition("~")[0].strip("/")
    if uri and "://" not in uri:
        return uri
    names = (_path_identity(kind, url) for url in address.url_list)
    return next((name for name in names if name), "")


def _path_identity(kind: MediaKind, url: str) -> str:
    """What stays the same in a URL: its path up to ``~``, without signature, size and format."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if _API_FALLBACK in url:
        asked = parse_qs(parts.query)
        return (asked.get("video_id") or asked.get("file_id") or [""])[0]
    path = parts.path.partition("~")[0].strip("/")
    path = _OLD_PREFIX.sub("", _SIGNED_PREFIX.sub("", path))
    return _IMAGE_SUFFIX.sub("", path) if kind in _PICTURES else path


def read_slides(entries: Iterable[object]) -> tuple[tuple[ScrapedSlide, ...], bool]:
    """The pictures of a carousel in TikTok's order, and whether none is missing among them.

    An entry is an image object (the display image counts; watermarked ones and the thumbnail stand
    in) or, in search answers, a bare URL. A live photo's ``live*`` keys are ignored. A picture that
    can't be read leaves a gap: the others keep their positions.
    """
    slides: list[ScrapedSlide] = []
    total = 0
    for position, entry in enumerate(entries):
        total += 1
        if found := _picture("image", entry):
            picture, address = found
            slides.append(ScrapedSlide(position, picture, address.width, address.height))
    return tuple(slides), 0 < total == len(slides)


def _picture(kind: MediaKind, entry: object) -> tuple[ScrapedMedia, Address] | None:
    """The best picture of an image object, or of a bare address."""
    offers: Iterator[tuple[str, object]] = iter(())
    if isinstance(entry, str):
        offers = iter([("display", entry)])
    elif isinstance(entry, dict):
        named = [(variant, entry.get(key)) for variant, key in _SLIDE_VARIANTS]
        offers = iter([*named[:1], *_bitrate_images(entry), *named[1:], ("display", entry)])
    for variant, value in offers:
        if (address := Address.read(value)) and (found := media(kind, variant, address)):
            return found, address
    return None


def _bitrate_images(entry: dict[str, object]) -> list[tuple[str, object]]:
    offers = values.items(entry.get("bitrate_images"))
    return [("display", offer.get("bitrate_image")) for offer in offers if isinstance(offer, dict)]


def read_cover(video: Video | None, image_post: ImagePost | None) -> ScrapedMedia | None:
    """A carousel's own cover, else the cover of the video object that every post has."""
    if image_post:
        given = image_post.image_post_cover
        for entry in given if isinstance(given, list) else [given]:
            if found := _picture("cover", entry):
                return found[0]
    if video is None:
        return None
    offers = (
        ("cover", video.cover),
        ("origin", video.origin_cover),
        ("dynamic", video.dynamic_cover),
    )
    for variant, value in offers:
        if (address := Address.read(value)) and (cover := media("cover", variant, address)):
            return cover
    return None


def read_avatar(owner: Author | User) -> ScrapedMedia | None:
    """The largest avatar on offer; both shapes of an account give the same ``source_key``."""
    for variant, app_name, web_name in _AVATAR_VARIANTS:
        value = getattr(owner, app_name, None) or getattr(owner, web_name, None)
        if (address := Address.read(value)) and (avatar := media("avatar", variant, address)):
            return avatar
    return None

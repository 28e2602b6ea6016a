"""Posts as TikTok writes them, made to measure for one irregularity each."""

from __future__ import annotations

import copy
from typing import Any

from tiktok.scraper.posts import read_post
from tiktok.scraper.schemas import ScrapedPost

ID = "7540000301621841183"
IMAGE = "https://p16-common-sign.tiktokcdn-us.com/tos-i-photomode/{}~tplv-photomode-image.jpeg?x-expires=1777644000&x-signature=a%2Fb%2Bc%3D"
SOUND = "https://v16m.tiktokcdn-us.com/55f0fa91eb07f93e6cc97b69cf44bd28/68b782c0/video/tos/a/o1/?mime_type=audio_mpeg"
CLIP = "https://v16m.tiktokcdn-us.com/55f0fa91eb07f93e6cc97b69cf44bd28/68b782c0/video/tos/a/o2/?mime_type=video_mp4"
BASE: dict[str, Any] = {
    "aweme_id": ID,
    "desc": "",
    "create_time": 1755543133,
    "author": {"uid": "6754760670083138566", "unique_id": "bre", "nickname": "Bre"},
}


def aweme(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(BASE) | changes


def read(**changes: Any) -> ScrapedPost:
    found = read_post(aweme(**changes))
    assert isinstance(found, ScrapedPost), found
    return found


def picture(name: str, **more: Any) -> dict[str, Any]:
    return {"uri": f"tos-i-photomode/{name}", "url_list": [IMAGE.format(name)], **more}


def slide(name: str) -> dict[str, Any]:
    return {"display_image": picture(name, width=1080, height=1440)}

"""The media of an aweme: slides, covers, the clip, and the MP3 that photo posts call video."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from carousel.sandbox import media
from carousel.sandbox.links import Asset, Kind, Links
from carousel.sandbox.posts import Post

Json = dict[str, Any]

TEMPLATES = {
    "heic": "photomode-image.heic",
    "webp": "photomode-sr-vqe2:1080:0:1080:0:q75.webp",
    "jpeg": "photomode-image-v1:q70.jpeg",
}


@lru_cache(maxsize=256)
def _clip_facts(post: Post) -> tuple[int, str]:
    """Size in bytes and MD5 of a clip, which TikTok states beside its links."""
    content = media.video(post)
    return len(content), hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class AwemeMedia:
    """Media of one post at one moment. ``life`` (hours) replaces the links' lifetimes if not 0."""

    links: Links
    post: Post
    now: float
    life: float = 0.0

    def image(self, asset: Asset, templates: list[str], width: int, height: int) -> Json:
        """One image object with a link per template."""
        return {
            "uri": self.links.uri(asset),
            "url_list": [
                self.links.picture(asset, template, self.now, turn, self.life)
                for turn, template in enumerate(templates)
            ],
            "width": width,
            "height": height,
            "url_prefix": None,
        }

    def image_post_info(self) -> Json:
        """The slides of a photo post; formats are mixed as the post's ``formats`` say."""
        cover = self._asset("slide", 0)
        return {
            "images": [self._slide(position) for position in range(len(self.post.slides))],
            "image_post_cover": {
                "display_image": self.image(
                    cover, ["photomode-image-cover:640:0:q72.webp"], 640, 853
                )
            },
            "title": self.post.title,
            "music_volume": 0.5,
            "post_extra": '{"photo_cover_shrink":false,"photo_blurhash":false}',
        }

    def _slide(self, position: int) -> Json:
        asset = self._asset("slide", position)
        templates = [TEMPLATES[kind] for kind in self.post.formats]
        display = self.image(asset, templates, 1080, 1440)
        display["preview"] = {"data": "", "preview_type": 2, "meta_key": ""}
        marked = [f"photomode-owner-watermark.{self.post.formats[0]}"]
        return {
            "display_image": display,
            "owner_watermark_image": self.image(asset, marked, 1080, 1440),
            "user_watermark_image": self.image(asset, marked, 1080, 1440),
            "thumbnail": self.image(asset, ["photomode-zoomcover:480:480.jpeg"], 480, 640),
            "bitrate_images": None,
        }

    def photo_video(self) -> Json:
        """A photo post's ``video``: no picture, and links that lead to an MP3."""
        asset = self._asset("sound")
        cover = self.image(
            self._asset("slide", 0),
            [f"photomode-image-cover:640:0:q72.{self.post.formats[-1]}"] * 2,
            640,
            853,
        )
        turns = (0, 1)
        sound = [
            self.links.stream(asset, "audio_mpeg", self.now, turn, self.life) for turn in turns
        ]
        sound.append(self.links.play(asset, self.now, self.life))
        empty = {"uri": "", "url_list": [], "width": 720, "height": 720, "url_prefix": None}
        return {
            "duration": 0,
            "width": 0,
            "height": 0,
            "ratio": "default",
            "has_watermark": False,
            "bit_rate": [],
            "big_thumbs": [],
            "tags": None,
            "cover": {**cover, "data_size": 0},
            "origin_cover": {**cover, "data_size": 0},
            "dynamic_cover": {**cover, "data_size": 0},
            "play_addr": {
                "uri": sound[0],
                "url_list": sound,
                "width": 720,
                "height": 720,
                "url_prefix": None,
                "url_key": self.post.id,
            },
            "download_addr": empty,
            "cla_info": {"caption_infos": None},
            "meta": '{"Loudness":"-7.8"}',
            "misc_download_addrs": "{}",
        }

    def clip_video(self) -> Json:
        """A video post's ``video``."""
        width, height = media.VIDEO_SIZE
        size, file_hash = _clip_facts(self.post)
        played = self._play_addr(size, file_hash)
        cover = self.image(
            self._asset("cover"), ["tiktokx-origin.image", "tiktokx-origin.jpeg"], 640, 853
        )
        rate = {"gear_name": "normal_540_0", "quality_type": 20, "bit_rate": 512_000}
        return {
            "duration": self.post.duration_ms,
            "width": width,
            "height": height,
            "ratio": "540p",
            "has_watermark": False,
            "cover": {**cover, "data_size": 0},
            "origin_cover": {**cover, "data_size": 0},
            "dynamic_cover": {**cover, "data_size": 0},
            "ai_dynamic_cover": {**cover, "data_size": 0},
            "play_addr": played,
            "play_addr_h264": played,
            # The watermarked copy: its height is wrong in real answers too.
            "download_addr": {**played, "height": 720, "width": 720},
            "bit_rate": [{**rate, "is_bytevc1": 0, "is_h265": 0, "play_addr": played}],
            "big_thumbs": [],
            "tags": None,
            "CoverTsp": self.post.duration_ms / 2000,
            "cla_info": {"caption_infos": None},
            "meta": '{"Loudness":"-14.1"}',
            "misc_download_addrs": "{}",
        }

    def _play_addr(self, size: int, file_hash: str) -> Json:
        width, height = media.VIDEO_SIZE
        asset = self._asset("video")
        turns = (0, 1)
        streams = [
            self.links.stream(asset, "video_mp4", self.now, turn, self.life) for turn in turns
        ]
        return {
            "uri": self.links.uri(asset).split("/")[1],
            "url_list": [*streams, self.links.play(asset, self.now, self.life)],
            "width": width,
            "height": height,
            "data_size": size,
            "file_hash": file_hash,
            "file_cs": f"c:0-{size}",
            "url_key": f"v{self.post.id}_h264_540p",
            "url_prefix": None,
        }

    def _asset(self, kind: Kind, position: int = 0) -> Asset:
        return Asset(self.post.key, self.post.slot, kind, position)

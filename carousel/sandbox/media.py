"""The bytes of every file that the sandbox's CDN serves."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pillow_heif
from PIL import Image

from carousel.sandbox import draw
from carousel.sandbox.chance import dice
from carousel.sandbox.posts import Post
from carousel.sandbox.video import FRAME_MS, Clip, mp4

pillow_heif.register_heif_opener()

IMAGE_TYPES = {
    "heic": "image/heic",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "image": "image/webp",
}
"""What a picture's template ending stands for (``.image`` says nothing, and is WebP here)."""

# Big blocks and no thread pool: eight times faster than x265's default, and the same bytes
# whatever the number of cores.
_HEVC = {
    "preset": "ultrafast",
    "x265:ctu": "32",
    "x265:min-cu-size": "32",
    "x265:pools": "none",
}
VIDEO_SIZE = (576, 1024)


def encode(image: Image.Image, kind: str) -> bytes:
    """A picture as ``heic``, ``webp``, ``image`` (WebP) or ``jpeg``."""
    buffer = io.BytesIO()
    if kind == "heic":
        image.save(buffer, "HEIF", quality=55, enc_params=_HEVC)
    elif kind == "jpeg":
        image.save(buffer, "JPEG", quality=82)
    else:
        image.save(buffer, "WEBP", quality=78, method=0)
    return buffer.getvalue()


def clip(post: Post) -> Clip:
    """The clip of a video post; its length in the file is ``duration_ms`` exactly."""
    shade = dice(post.seed, post.key, post.slot, "clip")
    return Clip(
        *VIDEO_SIZE,
        duration_ms=post.duration_ms,
        colour=(shade.randrange(60, 200), shade.randrange(60, 200), shade.randrange(60, 200)),
        padding=shade.randrange(100_000, 700_000),
        name=f"{post.seed}/{post.id}",
    )


def video(post: Post) -> bytes:
    """A video post's MP4."""
    if post.duration_ms % FRAME_MS:
        raise ValueError(f"A duration must be whole frames of {FRAME_MS} ms: {post.duration_ms}")
    return mp4(clip(post))


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound: ``seconds`` long."""

    id: str
    title: str
    author: str
    seconds: int


def sound(what: Sound) -> bytes:
    """A silent MP3 (MPEG-1 layer III, 32 kbit/s, 44.1 kHz mono) with an ID3 title.

    An all-zero side information and body is silence; a frame is 1,152 samples, 104 or 105 bytes.
    Source: ISO/IEC 11172-3, 2.4.
    """
    text = b"\x03" + f"{what.title} {what.id}".encode()
    frame = b"TIT2" + _synchsafe(len(text)) + bytes(2) + text
    tag = b"ID3\x04\x00\x00" + _synchsafe(len(frame)) + frame
    frames = -(-what.seconds * 44_100 // 1_152)
    return tag + (b"\xff\xfb\x10\xc4" + bytes(100)) * frames


def _synchsafe(value: int) -> bytes:
    return bytes((value >> shift) & 0x7F for shift in (21, 14, 7, 0))


def slide(post: Post, position: int, kind: str, *, emoji: bool = False) -> bytes:
    """One slide, encoded."""
    return encode(draw.slide(post, position, emoji=emoji), kind)


def cover(post: Post, kind: str) -> bytes:
    """A post's cover, encoded."""
    return encode(draw.cover(post), kind)


def avatar(seed: int, key: str, nickname: str, edge: int, kind: str) -> bytes:
    """A creator's avatar, encoded."""
    return encode(draw.avatar(seed, key, nickname, edge), kind)

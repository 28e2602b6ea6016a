"""Choose the video of a post, and find its sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tiktok.scraper.answers import Address, Encoding, Music, Video
from tiktok.scraper.media import identity, media, parse_expiry, ranked, source_key
from tiktok.scraper.schemas import ScrapedMedia

_AUDIO = re.compile(r"[?&]mime_type=audio", re.IGNORECASE)
_PREFERENCE = {"h264": 0, "hevc": 1, "watermarked": 2}  # bytevc2 isn't here: nothing plays it


def read_video(video: Video | None) -> ScrapedMedia | None:
    """The video to keep: unwatermarked before watermarked, H.264 before HEVC, never bytevc2.

    ``None`` also where all there is turns out to be sound, as on photo posts. The watermarked
    one's width and height are left out: TikTok states a placeholder.
    """
    best: tuple[int, str, Address] | None = None
    for implied, offer in _encodings(video) if video else ():
        address = Address.read(offer)
        if address is None or _is_sound(address):
            continue
        variant = implied if implied == "watermarked" else _codec(address.url_key) or implied
        rank = _PREFERENCE.get(variant)
        if rank is not None and (best is None or rank < best[0]):
            best = rank, variant, address
        if rank == 0:
            break
    if best is None:
        return None
    _, variant, address = best
    found = media("video", variant, address)
    if found is None or variant == "watermarked":
        return found
    return replace(found, width=address.width, height=address.height)


def _encodings(video: Video) -> Iterator[tuple[str, object]]:
    """Every address with the codec that its place implies, in order of preference."""
    main = _codec_of_number(video.is_bytevc1)
    yield main, video.download_no_watermark_addr
    yield "h264", video.play_addr_h264
    yield main, video.play_addr
    for item in video.bit_rate:
        if encoding := Encoding.read(item):
            implied = "hevc" if encoding.is_h265 else _codec_of_number(encoding.is_bytevc1)
            yield implied, encoding.play_addr
    yield "hevc", video.play_addr_bytevc1
    yield "watermarked", video.download_addr


def _codec_of_number(is_bytevc1: int | None) -> str:
    if not is_bytevc1:
        return "h264"
    return "hevc" if is_bytevc1 == 1 else "bytevc2"


def _codec(url_key: str) -> str:
    """The codec that a ``url_key`` such as ``v12044..._h264_540p_1452223`` names, if any."""
    for name, codec in (("_h264_", "h264"), ("_bytevc1_", "hevc"), ("_bytevc2_", "bytevc2")):
        if name in url_key:
            return codec
    return ""


def read_sound(music: Music | None, video: Video | None, *, photo: bool) -> ScrapedMedia | None:
    """The sound of a post.

    A photo post's ``play_addr`` is an MP3: it stands behind the sound's own link, or in for it. A
    video post's is the video, and never taken.
    """
    own = Address.read(music.play_url) if music else None
    played = Address.read(video.play_addr) if video else None
    if played and not (photo or _is_sound(played)):
        played = None
    first = own or played
    if first is None:
        return None
    sound_id = (music.mid or music.id_str) if music else None
    name = f"music/{sound_id}" if sound_id else identity("audio", first)
    if not name:
        return None
    more = played.url_list if played else ()
    urls = ranked("audio", dict.fromkeys([*first.url_list, *more]))
    return ScrapedMedia("audio", source_key("audio", "sound", name), urls, parse_expiry(urls[0]))


def plays_only_sound(video: Video | None) -> bool:
    """Whether the video object of a post holds sound in place of a video: it has pictures then."""
    played = Address.read(video.play_addr) if video else None
    return played is not None and _is_sound(played)


def _is_sound(address: Address) -> bool:
    return any(_AUDIO.search(url) for url in address.url_list)

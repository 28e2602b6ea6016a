"""What a file is, told from its bytes; never from its name or from what a server claims.

Plain signatures come from the ``filetype`` package. Added here is what it lacks or gets wrong:
the brands of ISO media files (ISO/IEC 14496-12; registry at mp4ra.org), QuickTime files without a
brand, MPEG audio behind an ID3 tag of any length, JPEG-LS posing as JPEG and broken PNG chunks.
Only types that we store are known; SVG is none of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

import filetype
from filetype.types import image, video


@dataclass(frozen=True)
class MediaType:
    """A type that we store. ``extension`` has no dot."""

    mime: str
    extension: str

    @property
    def family(self) -> str:
        """``image``, ``video`` or ``audio``."""
        return self.mime.partition("/")[0]


JPEG = MediaType("image/jpeg", "jpg")
PNG = MediaType("image/png", "png")
APNG = MediaType("image/apng", "apng")
GIF = MediaType("image/gif", "gif")
WEBP = MediaType("image/webp", "webp")
HEIC = MediaType("image/heic", "heic")
HEIF = MediaType("image/heif", "heif")
HEIC_SEQUENCE = MediaType("image/heic-sequence", "heic")
HEIF_SEQUENCE = MediaType("image/heif-sequence", "heif")
AVIF = MediaType("image/avif", "avif")
MP4 = MediaType("video/mp4", "mp4")
M4V = MediaType("video/x-m4v", "m4v")
MOV = MediaType("video/quicktime", "mov")
GP3 = MediaType("video/3gpp", "3gp")
GP2 = MediaType("video/3gpp2", "3g2")
WEBM = MediaType("video/webm", "webm")
MATROSKA = MediaType("video/matroska", "mkv")
MP3 = MediaType("audio/mpeg", "mp3")
AAC = MediaType("audio/aac", "aac")
M4A = MediaType("audio/mp4", "m4a")

_SIGNATURES = (
    (image.Jpeg(), JPEG),
    (image.Png(), PNG),
    (image.Gif(), GIF),
    (image.Webp(), WEBP),
    (video.Webm(), WEBM),
    (video.Mkv(), MATROSKA),
)

_BRANDS: dict[bytes, MediaType] = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), HEIC),
    **dict.fromkeys((b"hevc", b"hevx", b"hevm", b"hevs"), HEIC_SEQUENCE),
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    b"mif1": HEIF,
    b"msf1": HEIF_SEQUENCE,
    **dict.fromkeys((b"M4A ", b"M4A\0", b"M4B "), M4A),
    **dict.fromkeys((b"M4V ", b"M4VH", b"M4VP"), M4V),
    b"qt  ": MOV,
    **{b"3g2" + bytes([n]): GP2 for n in b"abc"},
    **{b"3g" + bytes([kind, n]): GP3 for kind in b"epgrs" for n in b"123456789"},
    **{b"iso" + bytes([n]): MP4 for n in b"m23456789abc"},
    **dict.fromkeys((b"mp41", b"mp42", b"mp71", b"avc1", b"av01", b"hvc1"), MP4),
    **dict.fromkeys((b"dash", b"cmfc", b"MSNV", b"mmp4", b"F4V ", b"f4v "), MP4),
}
# Raw photos, JPEG XL and the JPEG 2000 family call themselves compatible with what they are not.
_FOREIGN_BRANDS = frozenset((b"crx ", b"jxl ", b"jp2 ", b"jpx ", b"jpm ", b"mjp2", b"mj2s"))
_CODECS = (AVIF, HEIC, HEIC_SEQUENCE)
_QUICKTIME = frozenset((b"moov", b"mdat", b"pnot"))
_PADDING = frozenset((b"free", b"skip", b"wide"))
_LARGEST_FIRST_BOX = 1 << 29  # text read as a size is never below 0x09000000; ASCII, 0x20000000

_TAG_LIMIT = 32 * 1024 * 1024
_FRAME_WINDOW = 4096
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = (44100, 48000, 32000)


def detect(head: bytes, file: BinaryIO | None = None) -> MediaType | None:
    """The type of a file from its first bytes (4096 are enough), or None if we don't store it.

    ``file``, where given, is read behind a long ID3 tag (its position moves); without it such
    a file counts as MP3.
    """
    for matcher, media_type in _SIGNATURES:
        if matcher.match(head):
            return _confirmed(head, media_type)
    if len(head) < 8:
        return None
    return _iso_media(head) or _mpeg_audio(head, file)


def describe(head: bytes) -> str:
    """What a file that we don't store seems to be, in words for an error message."""
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "nothing"
    for sign, words in ((b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<svg", "SVG")):
        if start.startswith(sign):
            return words
    if start.startswith(b"<?xml") or start.startswith(b"<error"):
        return "SVG" if b"<svg" in start else "XML"
    if start.startswith((b"{", b"[")):
        return "JSON"
    if head[4:8] == b"ftyp":
        return f"ISO media of brand {head[8:12].decode('latin-1')!a}"
    guess = filetype.guess(head)
    return str(guess.mime) if guess is not None else "unknown bytes"


def _confirmed(head: bytes, media_type: MediaType) -> MediaType | None:
    """What a signature promised, after a look at the structure behind it."""
    if media_type is JPEG:
        return JPEG if not _is_jpeg_ls(head) else None
    if media_type is PNG:
        return _png(head)
    if media_type is WEBP:
        return WEBP if head[12:16] in (b"VP8 ", b"VP8L", b"VP8X") else None
    if media_type is GIF:
        return GIF if head[:6] in (b"GIF87a", b"GIF89a") else None
    return media_type


def _is_jpeg_ls(head: bytes) -> bool:
    """Whether the frame header is JPEG-LS's (ITU-T T.87: SOF55), which no browser shows."""
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xF7:
            return True
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return False
        at += 2 + int.from_bytes(head[at + 2 : at + 4])
    return False


def _png(head: bytes) -> MediaType | None:
    if head[12:16] != b"IHDR":
        return None
    at, found = 8, PNG
    while at + 8 <= len(head):
        length, kind = int.from_bytes(head[at : at + 4]), head[at + 4 : at + 8]
        if length > 0x7FFFFFFF or not kind.isalpha():
            return None
        if kind == b"IDAT":
            break
        if kind == b"acTL":
            found = APNG
        at += 12 + length
    return found


def _iso_media(head: bytes) -> MediaType | None:
    for kind, start, end in islice(_boxes(head), 8):
        if kind == b"ftyp":
            return _by_brand(head[start:end])
        if kind in _QUICKTIME:
            return MOV
        if kind not in _PADDING:
            return None
    return None


def _boxes(head: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type and content range of the top boxes that begin within ``head``."""
    at = 0
    while at + 8 <= len(head):
        size, start = int.from_bytes(head[at : at + 4]), at + 8
        if size == 1:
            size, start = int.from_bytes(head[at + 8 : at + 16]), at + 16
        elif size == 0:
            size = len(head) - at
        elif size > _LARGEST_FIRST_BOX:
            return
        if size < start - at:
            return
        yield head[at + 4 : at + 8], start, at + size
        at += size


def _by_brand(content: bytes) -> MediaType | None:
    major = content[:4]
    brands = [content[at : at + 4] for at in range(8, min(len(content), 256), 4)]
    if major in _FOREIGN_BRANDS:
        return None
    compatible = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    found = _BRANDS.get(major)
    if found in (HEIF, HEIF_SEQUENCE, None):  # says "an image", or nothing; the others say which
        return next((kind for kind in _CODECS if kind in compatible), None) or (
            found or next(iter(compatible), None)
        )
    return found


def _mpeg_audio(head: bytes, file: BinaryIO | None) -> MediaType | None:
    if head[:3] == b"ID3":
        return _behind_tag(head, file)
    return _audio_frame(head, 0)


def _behind_tag(head: bytes, file: BinaryIO | None) -> MediaType | None:
    """Look behind an ID3v2 tag (id3.org, 2.4.0: 7 bits of length in each of four bytes)."""
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    end = 10 + length
    window = head[end : end + _FRAME_WINDOW]
    if file is not None and end + _FRAME_WINDOW > len(head) and end < _TAG_LIMIT:
        file.seek(end, os.SEEK_SET)
        window = file.read(_FRAME_WINDOW)
    elif file is None and end >= len(head):
        return MP3
    # Taggers have been seen to state a length that is off by the header's ten bytes, or by one.
    for at in range(max(len(window) - 4, 0)):
        if window[at] == 0xFF and (found := _audio_frame(window, at)) is not None:
            return found
        if at == 0 and window[:4] == b"fLaC":
            return None
    return None


def _audio_frame(data: bytes, at: int) -> MediaType | None:
    """MP3 or AAC if a frame begins at ``at`` and, as far as can be seen, another follows it."""
    for media_type, measure in ((MP3, _mp3_frame), (AAC, _adts_frame)):
        length = measure(data, at)
        if length == 0:
            continue
        follower = at + length
        if follower + 6 > len(data) or measure(data, follower):
            return media_type
    return None


def _mp3_frame(data: bytes, at: int) -> int:
    """Length in bytes of an MPEG 1, 2 or 2.5 layer III frame (ISO/IEC 11172-3), 0 if it is none."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0
    version, rate, padding = data[at + 1] >> 3 & 3, data[at + 2] >> 2 & 3, data[at + 2] >> 1 & 1
    bitrate = data[at + 2] >> 4
    if version == 1 or rate == 3 or bitrate in (0, 15):
        return 0
    if version == 3:
        return 144_000 * _BITRATES_1[bitrate] // _SAMPLE_RATES[rate] + padding
    sample_rate = _SAMPLE_RATES[rate] // (2 if version == 2 else 4)
    return 72_000 * _BITRATES_2[bitrate] // sample_rate + padding


def _adts_frame(data: bytes, at: int) -> int:
    """Length in bytes of an AAC frame in ADTS (ISO/IEC 13818-7), 0 if it is none."""
    if len(data) < at + 6 or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        return 0
    if data[at + 2] >> 2 & 15 > 12:
        return 0
    length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return length if length > 7 else 0

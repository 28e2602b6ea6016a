"""Pictures that are cut, forged or too large end with a code."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_cache.convert import DecodeLimits, Decoder, MediaRejected
from media_cache.tests.pictures import encoded, process, scene


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as running:
        yield running


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF"])
def test_no_cut_goes_unnoticed(decoder: Decoder, tmp_path: Path, kind: str) -> None:
    body = encoded(scene("P" if kind == "GIF" else "RGB"), kind)
    mime = "image/heic" if kind == "HEIF" else f"image/{kind.lower()}"
    for length in (len(body) - 1, len(body) * 9 // 10, len(body) // 2, len(body) // 10, 60):
        with pytest.raises(MediaRejected) as caught:
            process(decoder, tmp_path, body[:length], mime)
        assert caught.value.code == "truncated"
        assert caught.value.retryable


def png_header(width: int, height: int) -> bytes:
    """A PNG that is all claim: a sound header and a picture of one byte."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0"))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("body", "mime", "code"),
    [
        (png_header(60_000, 60_000), "image/png", "too_many_pixels"),
        (png_header(0, 5), "image/png", "decode_failed"),
        (png_header(10, 10), "image/png", "decode_failed"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(9) + b"\xff\xd9", "image/jpeg", "decode_failed"),
        (b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0", "image/webp", "decode_failed"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x10meta" + bytes(8), "image/heic",
         "decode_failed"),
        (b"BM" + bytes(100), "image/bmp", "unsupported"),
        (b"<svg/>", "image/svg+xml", "unsupported"),
    ],
)  # fmt: skip
def test_what_can_not_be_kept_has_a_code(
    decoder: Decoder, tmp_path: Path, body: bytes, mime: str, code: str
) -> None:
    with pytest.raises(MediaRejected) as caught:
        process(decoder, tmp_path, body, mime)
    assert caught.value.code == code
    assert not caught.value.retryable


def test_the_limits_on_pixels_and_bytes_are_the_callers(tmp_path: Path) -> None:
    body = encoded(scene(), "HEIF")
    limits = DecodeLimits(max_pixels=320 * 200 - 1, max_file_bytes=len(body))
    with Decoder(limits) as small:
        with pytest.raises(MediaRejected) as caught:
            process(small, tmp_path, body, "image/heic")
        assert caught.value.code == "too_many_pixels"
        with pytest.raises(MediaRejected) as caught:
            process(small, tmp_path, body + b"\0", "image/heic")
        assert caught.value.code == "too_large"

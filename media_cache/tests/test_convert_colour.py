"""Wide colours, transparency and ink become what a JPEG can say."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from media_cache.convert import Decoder
from media_cache.decoder.colour import profile_of
from media_cache.tests.pictures import difference, encoded, opened, process, scene


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as running:
        yield running


def p3_profile() -> bytes:
    profile = profile_of({"color_primaries": 12, "transfer_characteristics": 13})
    assert profile is not None
    return profile


def test_display_p3_becomes_srgb(decoder: Decoder, tmp_path: Path) -> None:
    # Display P3's (234, 51, 35) is sRGB's pure red, a fact of both standards.
    red = Image.new("RGB", (640, 480), (234, 51, 35))
    body = encoded(red, "HEIF", quality=100, chroma=444, icc_profile=p3_profile())
    _, stored = process(decoder, tmp_path, body, "image/heic")
    r, g, b = opened(stored).getpixel((300, 200))  # type: ignore[misc]
    assert r >= 252
    assert max(g, b) <= 4
    assert "icc_profile" not in opened(stored).info


def test_wide_primaries_named_by_number_count_as_well(decoder: Decoder, tmp_path: Path) -> None:
    red = Image.new("RGB", (640, 480), (234, 51, 35))
    numbers = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6}
    heif = pillow_heif.from_pillow(red)
    out = io.BytesIO()
    heif.save(out, quality=100, chroma=444, full_range_flag=1, **numbers)
    assert b"colrnclx\0\x0c\0\x0d" in out.getvalue()
    _, stored = process(decoder, tmp_path, out.getvalue(), "image/heic")
    r, g, b = opened(stored).getpixel((300, 200))  # type: ignore[misc]
    assert r >= 251
    assert max(g, b) <= 6


def test_alpha_is_flattened_on_white_where_jpeg_has_none(decoder: Decoder, tmp_path: Path) -> None:
    image = scene("RGBA", (640, 480))
    image.putalpha(Image.linear_gradient("L").resize((640, 480)))
    _, stored = process(decoder, tmp_path, encoded(image, "HEIF", quality=95), "image/heic")
    paper = Image.new("RGBA", image.size, "white")
    assert difference(opened(stored), Image.alpha_composite(paper, image)) < 2


def test_cmyk_becomes_rgb(decoder: Decoder, tmp_path: Path) -> None:
    body = encoded(scene("CMYK"), "JPEG", quality=95)
    picture, stored = process(decoder, tmp_path, body, "image/jpeg")
    assert opened(stored).mode == "RGB"
    assert difference(opened(stored), opened(body)) < 2
    assert picture.converted


def test_a_garbage_profile_is_ignored(decoder: Decoder, tmp_path: Path) -> None:
    body = encoded(scene(), "HEIF", quality=95, icc_profile=b"garbage" * 40)
    _, stored = process(decoder, tmp_path, body, "image/heic")
    assert difference(opened(stored), scene()) < 2

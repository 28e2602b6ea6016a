from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from carousel.lib.errors import UpstreamError
from ocr.pictures import decode, encode_jpeg, sniff
from ocr.tests.drawing import background, jpeg

CORPORA = Path(settings.BASE_DIR).parent / "shared" / "corpora"


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mime"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("AVIF", "image/avif"),
        ("HEIF", "image/heic"),
    ],
)
def test_every_kind_is_known_by_its_bytes_and_decoded(kind: str, mime: str) -> None:
    content = encoded(background(64, 48, 1), kind)
    picture = decode(content)
    assert sniff(content) == mime
    assert (picture.mode, picture.size) == ("RGB", (64, 48))


def test_bytes_that_tell_nothing_have_no_type() -> None:
    assert sniff(b"<html>") == ""
    assert sniff(b"") == ""


def test_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(background(64, 48, 1), "JPEG", exif=exif)).size == (48, 64)


def test_a_large_picture_is_reduced_to_the_side_asked_for() -> None:
    assert decode(jpeg(background(900, 1200, 1)), max_side=600).size == (450, 600)


def test_light_text_on_transparency_is_laid_over_black_and_dark_text_over_white() -> None:
    for ink, ground in ((255, 0), (0, 255)):
        layer = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
        layer.paste((ink, ink, ink, 255), (5, 5, 15, 15))
        picture = decode(encoded(layer, "PNG"))
        assert picture.getpixel((0, 0)) == (ground,) * 3
        assert picture.getpixel((10, 10)) == (ink,) * 3


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    grey = Image.new("I;16", (8, 8), 32768)
    value = decode(encoded(grey, "PNG")).getpixel((0, 0))
    assert isinstance(value, tuple)
    assert abs(value[0] - 128) <= 1


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(content).getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize("content", [b"", b"<html></html>", jpeg(background(64, 64, 1))[:300]])
def test_a_broken_file_is_one_clear_error(content: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        decode(content)
    assert (caught.value.code, caught.value.retryable) == ("unreadable_image", False)


def test_a_picture_that_claims_too_much_is_not_decoded() -> None:
    with pytest.raises(UpstreamError) as caught:
        decode(jpeg(background(300, 300, 1)), max_pixels=80_000)
    assert caught.value.code == "image_too_large"


def test_metadata_does_not_leave_with_a_picture() -> None:
    exif = Image.Exif()
    exif[0x010F] = "camera maker"
    picture = decode(encoded(background(64, 48, 1), "JPEG", exif=exif))
    assert b"camera maker" not in encode_jpeg(picture, 85)


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")
def test_hostile_files_decode_or_are_refused_and_nothing_else() -> None:
    seen = set()
    for path in sorted((CORPORA / "handmade").iterdir()):
        try:
            decode(path.read_bytes(), max_side=500)
        except UpstreamError as error:
            seen.add(error.code)
    assert seen == {"unreadable_image", "image_too_large"}

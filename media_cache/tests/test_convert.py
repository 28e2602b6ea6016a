"""What becomes of each kind of picture: kept as it is, stripped, turned or converted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from media_cache.convert import Decoder
from media_cache.tests.pictures import difference, encoded, exif, opened, process, scene


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {}),
        ("PNG", "I;16", {}),
        ("WEBP", "RGB", {"quality": 80}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("GIF", "P", {}),
    ],
)
def test_a_clean_picture_is_kept_byte_for_byte(
    decoder: Decoder, tmp_path: Path, kind: str, mode: str, options: dict[str, object]
) -> None:
    image = Image.new("I;16", (320, 200), 777) if mode == "I;16" else scene(mode)
    body = encoded(image, kind, **options)
    picture, stored = process(decoder, tmp_path, body, f"image/{kind.lower()}")
    assert stored == body
    assert (picture.rewritten, picture.converted, picture.animated) == (False, False, False)
    assert (picture.width, picture.height) == (320, 200)
    assert picture.content_type == f"image/{kind.lower()}"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_camera_and_place_are_removed_without_touching_a_pixel(
    decoder: Decoder, tmp_path: Path, kind: str
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, object] = {
        "exif": exif(),
        "icc_profile": profile,
        "comment": b"said by somebody",
    }
    if kind == "PNG":
        text = PngInfo()
        text.add_text("Comment", "said by somebody", zip=False)
        options["pnginfo"] = text
    body = encoded(scene(), kind, xmp=b"<x:xmpmeta>somebody</x:xmpmeta>", **options)
    assert b"somebody" in body
    picture, stored = process(decoder, tmp_path, body, f"image/{kind.lower()}")
    assert b"somebody" not in stored
    assert not opened(stored).getexif()
    assert opened(stored).info["icc_profile"] == profile
    assert opened(stored).tobytes() == opened(body).tobytes()
    assert (picture.rewritten, picture.converted) == (True, False)


def test_a_gif_keeps_its_loop_and_loses_what_was_written_into_it(
    decoder: Decoder, tmp_path: Path
) -> None:
    frames = [scene("P"), scene("P").rotate(90), scene("P").rotate(180)]
    options = {"save_all": True, "append_images": frames[1:], "loop": 3, "duration": 70}
    body = encoded(frames[0], "GIF", comment=b"said by somebody", **options)
    assert b"somebody" in body
    picture, stored = process(decoder, tmp_path, body, "image/gif")
    image = opened(stored)
    assert b"somebody" not in stored
    assert (image.n_frames, image.info["loop"], picture.animated) == (3, 3, True)  # type: ignore[attr-defined]


def test_animations_survive_stripping(decoder: Decoder, tmp_path: Path) -> None:
    frames = [scene().rotate(angle) for angle in (0, 90, 180)]
    for kind, mime in (("WEBP", "image/webp"), ("PNG", "image/apng")):
        options = {"save_all": True, "append_images": frames[1:], "exif": exif(6)}
        body = encoded(frames[0], kind, **options)
        picture, stored = process(decoder, tmp_path, body, mime)
        assert opened(stored).n_frames == 3  # type: ignore[attr-defined]
        assert (picture.rewritten, picture.converted, picture.animated) == (True, False, True)
        assert b"Camera" not in stored


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_what_trails_behind_the_end_is_dropped(decoder: Decoder, tmp_path: Path, kind: str) -> None:
    body = encoded(scene("P" if kind == "GIF" else "RGB"), kind)
    trailer = b"PK\x03\x04<script>alert(1)</script>\xff\xd9"
    picture, stored = process(decoder, tmp_path, body + trailer, f"image/{kind.lower()}")
    assert stored == body
    assert picture.rewritten


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_orientation_is_applied(
    decoder: Decoder, tmp_path: Path, kind: str, orientation: int
) -> None:
    turn = [None, None, 0, 3, 1, 5, 4, 6, 2][orientation]  # as Image.Transpose numbers them
    assert turn is not None
    upright = scene()
    back = {4: 2, 2: 4}.get(turn, turn)
    stored_as = upright.transpose(Image.Transpose(back))
    body = encoded(stored_as, kind, exif=exif(orientation), quality=95)
    picture, stored = process(decoder, tmp_path, body, f"image/{kind.lower()}")
    image = opened(stored)
    assert difference(image, upright) < 2
    assert (picture.width, picture.height) == image.size == upright.size
    assert picture.converted
    assert not image.getexif()
    assert picture.content_type == f"image/{kind.lower()}"


def test_heic_becomes_an_upright_jpeg_without_metadata(decoder: Decoder, tmp_path: Path) -> None:
    upright = scene(size=(900, 700))
    body = encoded(upright.rotate(90, expand=True), "HEIF", quality=95, exif=exif(6))
    picture, stored = process(decoder, tmp_path, body, "image/heic")
    image = opened(stored)
    assert (image.format, picture.content_type) == ("JPEG", "image/jpeg")
    assert difference(image, upright) < 2
    assert (picture.width, picture.height) == (900, 700)
    assert b"Exif" not in stored
    assert b"Camera" not in stored


def test_avif_becomes_an_upright_jpeg(decoder: Decoder, tmp_path: Path) -> None:
    upright = scene()
    body = encoded(upright.rotate(90, expand=True), "AVIF", quality=90, exif=exif(6), speed=10)
    _, stored = process(decoder, tmp_path, body, "image/avif")
    assert opened(stored).format == "JPEG"
    assert difference(opened(stored), upright) < 2


def test_the_thumbnail_is_a_grey_square_of_the_upright_picture(
    decoder: Decoder, tmp_path: Path
) -> None:
    upright = scene(size=(1000, 800))
    expected = upright.convert("L").resize((16, 16), Image.Resampling.BOX)
    turned = upright.rotate(90, expand=True)
    bodies = {
        "image/jpeg": encoded(upright, "JPEG"),
        "image/webp": encoded(upright, "WEBP"),
        "image/png": encoded(upright, "PNG"),
        "image/heic": encoded(turned, "HEIF", exif=exif(6)),
    }
    for mime, body in bodies.items():
        picture, _ = process(decoder, tmp_path, body, mime, thumbnail=16)
        luma = Image.frombytes("L", (16, 16), picture.luma)
        assert difference(luma, expected) < 3, mime

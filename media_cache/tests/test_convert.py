"""What becomes of each kind of picture: kept as it is, stripped, turned or converted."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageStat
from PIL.PngImagePlugin import PngInfo

from media_cache.convert import DecodeLimits, Decoder, MediaRejected, Picture
from media_cache.decoder.colour import profile_of

pillow_heif.register_heif_opener()
GPS = {0x0112: 1, 0x010F: "Camera of somebody", 0x8825: {1: "N", 2: (51.0, 28.0, 38.0)}}


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as running:
        yield running


def scene(mode: str = "RGB", size: tuple[int, int] = (320, 200)) -> Image.Image:
    """A picture with a red top left, a blue bottom right and something in between."""
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 40, 30), fill="red")
    draw.rectangle((size[0] - 40, size[1] - 30, *size), fill="blue")
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int = 1) -> bytes:
    tags = Image.Exif()
    tags.update(GPS | {0x0112: orientation})
    return tags.tobytes()


def process(
    decoder: Decoder, folder: Path, body: bytes, mime: str, **options: int
) -> tuple[Picture, bytes]:
    """The picture, and the bytes that would be stored."""
    source, target = folder / "in", folder / "out"
    source.write_bytes(body)
    target.unlink(missing_ok=True)
    picture = decoder.process(source, target, mime, **options)
    stored = target.read_bytes() if picture.rewritten else body
    assert picture.rewritten is target.exists()
    assert picture.byte_size in (None, len(stored))
    return picture, stored


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean over pixels and channels, in levels of 255."""
    assert one.size == other.size
    means = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(means) / len(means)


def opened(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


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

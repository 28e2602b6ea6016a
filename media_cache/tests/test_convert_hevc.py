"""Plain HEIC is decoded by FFmpeg as libheif does it; all else is left to libheif."""

from __future__ import annotations

import io
import random

import pillow_heif
import pytest
from PIL import Image, ImageChops

from media_cache.decoder import hevc, items
from media_cache.tests.pictures import scene

pillow_heif.register_heif_opener()
FULL, LIMITED = 1, 0


def heic(image: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    chosen = {"quality": 80, "chroma": 420} | options
    pillow_heif.from_pillow(image or scene(size=(320, 240))).save(out, **chosen)
    return out.getvalue()


def numbered(matrix: int, full: int) -> bytes:
    """A file that names its colours by number, its frames too."""
    names: dict[str, object] = {"color_primaries": 1, "transfer_characteristics": 13}
    return heic(None, matrix_coefficients=matrix, full_range_flag=full, **names)


def by_ffmpeg(data: bytes) -> Image.Image | None:
    return hevc.decoded(data, Image.open(io.BytesIO(data)))


def farthest(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any value, in levels."""
    extrema = ImageChops.difference(one, other.convert("RGB")).getextrema()
    return max(high for _, high in extrema)  # type: ignore[misc]


@pytest.mark.parametrize(
    "data",
    [
        heic(),
        heic(scene(size=(700, 500)), tile_size=256),  # tiles reach over two edges
        heic(scene(size=(512, 256)), tile_size=256),
        heic(exif=b"Exif\0\0garbage"),
        numbered(1, FULL),
        numbered(5, FULL),
        numbered(6, FULL),
    ],
)
def test_each_value_is_within_two_levels_of_what_libheif_makes(data: bytes) -> None:
    ours = by_ffmpeg(data)
    assert ours is not None
    assert farthest(ours, Image.open(io.BytesIO(data))) <= 2


@pytest.mark.parametrize(
    "data",
    [
        heic(scene("RGBA")),
        heic(scene("L")),
        heic(chroma=444),
        heic(chroma=422),
        heic(scene(size=(321, 241))),  # coded larger, and cropped by a property
        numbered(1, LIMITED),
        numbered(2, FULL),
        numbered(9, FULL),
    ],
)
def test_what_is_not_plain_is_left_to_libheif(data: bytes) -> None:
    assert by_ffmpeg(data) is None


@pytest.mark.parametrize("orientation", range(2, 9))
def test_what_is_turned_is_left_to_libheif(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert by_ffmpeg(heic(exif=exif.tobytes())) is None


def test_ten_bits_are_left_to_libheif() -> None:
    deep = pillow_heif.from_bytes("RGB;16", (320, 240), bytes(6 * 320 * 240))
    out = io.BytesIO()
    deep.save(out, quality=80, chroma=420)
    assert by_ffmpeg(out.getvalue()) is None


def test_a_file_that_contradicts_its_frames_is_left_to_libheif() -> None:
    data = numbered(1, FULL)
    at = data.index(b"colrnclx") + len("colrnclx") + 4
    for matrix, full in ((6, 0x80), (1, 0)):
        other = data[:at] + matrix.to_bytes(2) + bytes((full,)) + data[at + 3 :]
        assert by_ffmpeg(other) is None


def test_damaged_pictures_are_left_to_libheif() -> None:
    data = heic()
    start = data.index(b"mdat") + 4
    zeros = data[: start + 8] + bytes(len(data) - start - 8)
    assert by_ffmpeg(zeros) is None
    tiled = heic(scene(size=(512, 256)), tile_size=256)
    middle = (tiled.index(b"mdat") + len(tiled)) // 2
    assert by_ffmpeg(tiled[:middle] + bytes(len(tiled) - middle)) is None


def test_pictures_that_would_take_all_memory_are_left_to_libheif() -> None:
    image = Image.new("RGB", (6000, 4500))
    assert by_ffmpeg(heic(image, tile_size=1500)) is None
    assert by_ffmpeg(heic(image.crop((0, 0, 4500, 1500)), tile_size=1500)) is not None


def test_tiles_larger_than_the_picture_are_not_decoded() -> None:
    tiled = heic(scene(size=(512, 256)), tile_size=256)
    whole = (512).to_bytes(4) + (256).to_bytes(4)
    assert items.plain(tiled) is not None
    small = tiled.replace(whole, (8).to_bytes(4) + (8).to_bytes(4))
    small = small.replace((512).to_bytes(2) + (256).to_bytes(2), (8).to_bytes(2) * 2)
    assert small != tiled
    assert items.plain(small) is None


def test_tiles_that_share_their_bytes_are_not_decoded() -> None:
    tiled = heic(scene(size=(512, 256)), tile_size=256)
    start = tiled.index(b"mdat") + 4
    places = [place for method, [place] in items._Meta(tiled)._places.values() if method == 0]
    assert len(places) == 2
    for place in places:
        tiled = tiled.replace(extent(*place), extent(start, len(tiled) - start))
    assert len(items._Meta(tiled).content(2)) == len(tiled) - start
    assert items.plain(tiled) is None


def extent(start: int, length: int) -> bytes:
    """A single one, as libheif writes it: the place is that of the item, and it begins there."""
    return start.to_bytes(4) + (1).to_bytes(2) + bytes(4) + length.to_bytes(4)


def test_no_damage_to_the_list_of_items_ends_in_an_exception() -> None:
    chosen = random.Random(7)
    for data in (heic(), heic(scene(size=(512, 256)), tile_size=256)):
        end = data.index(b"mdat")
        assert items.plain(data) is not None
        for at in range(end):
            for value in (0, 1, 0x7F, 0xFF, chosen.randrange(256)):
                items.plain(data[:at] + bytes((value,)) + data[at + 1 :])
            items.plain(data[:at])

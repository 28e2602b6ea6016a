"""What a video's container tells, and what it can't make us believe."""

from __future__ import annotations

import resource
import struct
import time
from pathlib import Path

import pytest
from django.conf import settings

from media_cache.convert import MediaRejected, VideoInfo, inspect_video

CORPORA = Path(settings.BASE_DIR).parent / "shared" / "corpora"
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"needs {CORPORA}")
STRAIGHT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
QUARTER = (0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000)


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def movie_header(scale: int, length: int, version: int = 0) -> bytes:
    if version:
        return box(b"mvhd", struct.pack(">B3xQQIQ80x", 1, 0, 0, scale, length))
    return box(b"mvhd", struct.pack(">4xIIII80x", 0, 0, scale, length))


def track(
    *,
    size: tuple[int, int] = (1080, 1920),
    matrix: tuple[int, ...] = STRAIGHT,
    handler: bytes = b"vide",
    codec: bytes = b"avc1",
    offsets: tuple[int, ...] = (48,),
    version: int = 0,
) -> bytes:
    start = struct.pack(">B3x", version) + bytes(32 if version else 20) + bytes(16)
    header = box(b"tkhd", start, struct.pack(">9I", *matrix), struct.pack(">II", *shift(size)))
    sample = box(codec, bytes(24), struct.pack(">HH", *size), bytes(50))
    table = box(b"stco", struct.pack(f">4xI{len(offsets)}I", len(offsets), *offsets))
    samples = box(b"stbl", box(b"stsd", struct.pack(">4xI", 1), sample), table)
    kind = box(b"hdlr", bytes(8), handler, bytes(13))
    return box(b"trak", header, box(b"mdia", kind, box(b"minf", samples)))


def shift(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] << 16, size[1] << 16


def video(*moov: bytes, data: bytes = bytes(100)) -> bytes:
    brand = box(b"ftyp", b"isom\0\0\0\0isom")
    return brand + box(b"mdat", data) + box(b"moov", *moov)


def inspect(folder: Path, body: bytes) -> VideoInfo:
    path = folder / "video.mp4"
    path.write_bytes(body)
    return inspect_video(path)


def code_of(folder: Path, body: bytes) -> str:
    with pytest.raises(MediaRejected) as caught:
        inspect(folder, body)
    return caught.value.code


@needs_corpora
@pytest.mark.parametrize(
    ("name", "info"),
    [
        ("video/bigbuckbunny.mp4", VideoInfo(1280, 720, 5312, "avc1", "mp4a")),
        ("video/bikes.mp4", VideoInfo(640, 272, 10000, "avc1", None)),
        ("video/carphone_pristine.mp4", VideoInfo(192, 144, 4004, "avc1", None)),
        ("file-type/fixture.mov", VideoInfo(268, 156, 99, "avc1", None)),
        ("file-type/fixture2.3gp", VideoInfo(176, 144, 9673, "s263", "samr")),
        ("file-type/fixture.m4a", VideoInfo(None, None, 810, None, "mp4a")),
        ("file-type/fixture.mp3", VideoInfo()),
        ("file-type/fixture.webm", VideoInfo()),
    ],
)
def test_real_containers(name: str, info: VideoInfo) -> None:
    assert inspect_video(CORPORA / name) == info


@needs_corpora
@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "carphone_pristine.mp4"])
def test_every_cut_of_a_real_video_is_noticed(name: str, tmp_path: Path) -> None:
    body = (CORPORA / "video" / name).read_bytes()
    for length in (len(body) - 1, len(body) * 9 // 10, len(body) // 2, len(body) // 10, 60, 9):
        assert code_of(tmp_path, body[:length]) == "truncated"


def test_a_rotated_track_is_measured_as_it_is_shown(tmp_path: Path) -> None:
    for version in (0, 1):
        rotated = track(size=(1920, 1080), matrix=QUARTER, version=version)
        info = inspect(tmp_path, video(movie_header(1000, 5000, version), rotated))
        assert info == VideoInfo(1080, 1920, 5000, "avc1", None)
    info = inspect(tmp_path, video(movie_header(1000, 5000), track()))
    assert (info.width, info.height) == (1080, 1920)


def test_sound_and_picture_are_told_apart(tmp_path: Path) -> None:
    sound = track(handler=b"soun", codec=b"mp4a", size=(0, 0))
    info = inspect(tmp_path, video(movie_header(600, 6600), sound, track(codec=b"hvc1")))
    assert info == VideoInfo(1080, 1920, 11000, "hvc1", "mp4a")


@pytest.mark.parametrize(
    ("scale", "length", "version"),
    [(0, 5, 0), (1, 0, 0), (1, 2**32 - 1, 0), (1, 2**31, 0), (1, 2**64 - 1, 1), (1, 2**62, 1)],
)
def test_a_duration_that_can_not_be_is_unknown(
    tmp_path: Path, scale: int, length: int, version: int
) -> None:
    info = inspect(tmp_path, video(movie_header(scale, length, version), track()))
    assert (info.duration_ms, info.width) == (None, 1080)


def test_a_size_of_zero_is_unknown(tmp_path: Path) -> None:
    info = inspect(tmp_path, video(movie_header(1, 5), track(size=(0, 0))))
    assert (info.width, info.height) == (None, None)


def test_samples_behind_the_end_are_missing(tmp_path: Path) -> None:
    good = video(movie_header(1, 5), track())
    beyond = video(movie_header(1, 5), track(offsets=(48, len(good) + 9)))
    assert code_of(tmp_path, beyond) == "truncated"


@pytest.mark.parametrize(
    "body",
    [
        box(b"ftyp", b"isom\0\0\0\0") + box(b"mdat", bytes(9)),
        box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", movie_header(1, 1), track()),
        box(b"ftyp", b"isom\0\0\0\0") + b"\0\0\xff\xffmdat",
        b"\0\0\0\x08ftyp\0\0\0",
        b"",
    ],
)
def test_a_video_without_its_index_or_its_data_is_truncated(tmp_path: Path, body: bytes) -> None:
    assert code_of(tmp_path, body) == "truncated"


@pytest.mark.parametrize(
    "moov",
    [
        (),
        (b"\0\0\0\x04trak",),
        (b"\0\0\xff\xfftrak",),
        (b"\0\0\0\x01trak\0\0\0\0\0\0\0\x04",),
        tuple(box(b"trak") for _ in range(100)),
        (box(b"trak", box(b"mdia", b"\xff\xff\xff\xffhdlr")),),
        (box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stco", b"\xff" * 8))))),),
    ],
)
def test_a_container_that_contradicts_itself_fails(tmp_path: Path, moov: tuple[bytes, ...]) -> None:
    assert code_of(tmp_path, video(*moov)) == "decode_failed"


def test_a_swarm_of_boxes_and_deep_nesting_end_soon(tmp_path: Path) -> None:
    swarm = box(b"free") * 300_000
    started = time.monotonic()
    assert code_of(tmp_path, video(swarm)) == "decode_failed"
    nested = b""
    for _ in range(3000):
        nested = box(b"mdia", nested)
    assert inspect(tmp_path, video(box(b"trak", nested))) == VideoInfo()
    assert time.monotonic() - started < 5


def test_a_large_video_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    size = 3 * 2**30
    with path.open("wb") as file:
        file.write(box(b"ftyp", b"isom\0\0\0\0isom"))
        file.write(struct.pack(">I4sQ", 1, b"mdat", size))
        file.seek(size - 16, 1)  # a hole: no disk is used
        file.write(box(b"moov", movie_header(1000, 60_000), track()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert inspect_video(path) == VideoInfo(1080, 1920, 60_000, "avc1", None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024

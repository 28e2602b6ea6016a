"""Other people's odd and hostile pictures: each is kept as it looks, or rejected with a code."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
import pytest
from django.conf import settings
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from media_cache.convert import DecoderPool, MediaRejected, Picture, inspect_video
from media_cache.filetype import detect

pillow_heif.register_heif_opener()
CORPORA = Path(settings.BASE_DIR).parent / "shared" / "corpora"
pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"needs {CORPORA}")
CODES = {"not_media", "truncated", "too_many_pixels", "decode_failed", "unsupported"}
KEPT = ("ok", "convert", "after", "stored copy", "serve as", "bounded", "detect")
SRGB = ImageCms.createProfile("sRGB")


@dataclass(frozen=True)
class Outcome:
    """How one file ended; ``code`` is empty where it may be stored, as ``stored``."""

    path: Path
    code: str
    seconds: float
    picture: Picture | None = None
    stored: bytes = b""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("stored")
    files = [
        path
        for name in ("handmade", "pillow", "png", "heif")
        for path in sorted((CORPORA / name).rglob("*"))
        if path.is_file() and path.suffix not in (".tsv", ".txt")
    ]
    with DecoderPool(2) as pool, ThreadPoolExecutor(2) as threads:
        jobs = [(pool, path, folder / str(number)) for number, path in enumerate(files)]
        ended = list(threads.map(lambda job: outcome(*job), jobs))
    return {str(end.path.relative_to(CORPORA)): end for end in ended}


def outcome(pool: DecoderPool, path: Path, target: Path) -> Outcome:
    started = time.monotonic()
    with path.open("rb") as file:
        media_type = detect(file.read(4096), file)
    try:
        if media_type is None:
            raise MediaRejected("not_media", "it is none")
        if media_type.family != "image":
            inspect_video(path)
            return Outcome(path, "", time.monotonic() - started)
        picture = pool.process(path, target, media_type.mime, thumbnail=32)
    except MediaRejected as error:
        return Outcome(path, error.code, time.monotonic() - started)
    stored = (target if picture.rewritten else path).read_bytes()
    target.unlink(missing_ok=True)
    return Outcome(path, "", time.monotonic() - started, picture, stored)


def reference(path: Path, *, converted: bool) -> Image.Image:
    """The picture as a careful viewer shows it: upright, in sRGB, on white paper."""
    image: Image.Image = Image.open(path)
    icc = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if converted and icc and image.mode == "RGB":
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        image = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB") or image
    return on_paper(image)


def on_paper(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    if image.mode == "CMYK":
        image = image.convert("RGB")
    image = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def test_every_file_ends_stored_or_with_a_code_and_soon(outcomes: dict[str, Outcome]) -> None:
    assert len(outcomes) > 350
    for name, end in outcomes.items():
        assert end.code in CODES | {""}, name
        assert end.seconds < 20, name


def test_handmade_files_end_as_their_row_says(outcomes: dict[str, Outcome]) -> None:
    rows = (CORPORA / "handmade" / "EXPECTED.tsv").read_text().splitlines()[1:]
    assert len(rows) > 130
    for row in rows:
        name, _, expect, _ = row.split("\t")
        end = outcomes[f"handmade/{name}"]
        if expect == "reject on pixel limit":
            assert end.code == "too_many_pixels", name
        elif expect.startswith(("reject", "error or flagged")):
            assert end.code, name
        elif expect.startswith(KEPT) and not name.startswith("ftyp"):
            assert end.code == "" or name == "mp4-as.jpg", name


def test_truncated_files_are_called_that(outcomes: dict[str, Outcome]) -> None:
    cut = [end for name, end in outcomes.items() if Path(name).name.startswith("trunc-")]
    assert len(cut) >= 35
    assert {end.code for end in cut} <= {"truncated", "not_media"}
    assert all(end.code == "truncated" for end in cut if end.path.stat().st_size > 64)


def test_what_is_stored_looks_as_it_did(outcomes: dict[str, Outcome]) -> None:
    compared = 0
    for name, end in outcomes.items():
        # Pillow refuses one file for the text in it, and another is a bomb but for its pixels.
        if end.picture is None or name in ("handmade/ztxt-bomb.png", "handmade/poly-gif-js.gif"):
            continue
        kept = on_paper(Image.open(io.BytesIO(end.stored)))
        shown = reference(end.path, converted=end.picture.converted)
        assert kept.size == shown.size == (end.picture.width, end.picture.height), name
        means = ImageStat.Stat(ImageChops.difference(kept, shown)).mean
        limit = 2.0 if end.picture.converted else 0.0
        assert sum(means) / len(means) <= limit, name
        compared += 1
    assert compared > 230


def test_nothing_that_is_stored_tells_about_a_person(outcomes: dict[str, Outcome]) -> None:
    for name, end in outcomes.items():
        if end.picture is None:
            continue
        image = Image.open(io.BytesIO(end.stored))
        assert not image.getexif(), name
        assert not {"xmp", "XML:com.adobe.xmp", "comment", "Comment"} & image.info.keys(), name
        assert image.get_format_mimetype() in (end.picture.content_type, "image/png"), name


def test_no_payload_rides_along(outcomes: dict[str, Outcome]) -> None:
    for name, payload in (
        ("poly-jpg-zip.jpg", b"PK\x05\x06"),
        ("poly-png-html.png", b"<script"),
        ("trailing-garbage.jpg", (CORPORA / "handmade/trailing-garbage.jpg").read_bytes()[-64:]),
        ("text-xss.png", b"<script"),
        ("poly-jpg-pdf.jpg", b"%PDF"),
    ):
        end = outcomes[f"handmade/{name}"]
        assert payload in end.path.read_bytes(), name
        assert payload not in end.stored, name


def test_the_eight_orientations_are_one_picture(outcomes: dict[str, Outcome]) -> None:
    for number in range(1, 9):
        end = outcomes[f"handmade/orient-{number}.jpg"]
        assert end.picture is not None
        shown = ImageOps.exif_transpose(Image.open(end.path)).convert("RGB")
        kept = Image.open(io.BytesIO(end.stored)).convert("RGB")
        assert ImageStat.Stat(ImageChops.difference(kept, shown)).mean < [2, 2, 2]
        assert (kept.width > kept.height) is (number < 5)

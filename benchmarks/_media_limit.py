"""The limit of the media benchmark: one bare process, nothing but calls into C libraries.

``python _media_limit.py FOLDER COUNT FIRST STEP MIX`` handles assets FIRST, FIRST + STEP, ... of
COUNT with the calls that the product makes: hash what would be downloaded; decode HEIC alike, bring
its colours to sRGB, encode it as JPEG and hash that; decode JPEG at an eighth of its size. It is
ready when it has printed a line, begins when it gets one, and prints the seconds it took, of the
clock and of the processor.
"""

from __future__ import annotations

import functools
import hashlib
import io
import sys
import time
from pathlib import Path

from PIL import Image, ImageCms

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from media_cache.decoder import hevc, picture  # noqa: F401 - the latter teaches Pillow HEIF

SRGB = ImageCms.createProfile("sRGB")


@functools.cache
def to_srgb(icc: bytes) -> ImageCms.ImageCmsTransform:
    """The transform from a file's colours."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(source, SRGB, "RGB", "RGB", intent)


def handle(kind: str, data: bytes) -> None:
    """What one file costs at least."""
    hashlib.sha256(data).hexdigest()
    if kind == "webp":
        return
    with Image.open(io.BytesIO(data)) as image:
        if kind == "jpg":
            image.draft("L", (image.width // 8, image.height // 8))
            image.load()
            return
        pixels = hevc.decoded(data, image) or image
        if icc := image.info.get("icc_profile"):
            ImageCms.applyTransform(pixels, to_srgb(icc), inPlace=True)
        out = io.BytesIO()
        pixels.save(out, "JPEG", quality=92, subsampling=2)
    hashlib.sha256(out.getbuffer()).hexdigest()


def main() -> None:
    """As the module says."""
    folder, count, first, step, mix = Path(sys.argv[1]), *map(int, sys.argv[2:5]), sys.argv[5]
    kinds = mix.split(",")
    files = {
        kind: [path.read_bytes() for path in sorted(folder.glob(f"*.{kind}"))] for kind in kinds
    }
    jobs = [(kinds[n % len(kinds)], n) for n in range(first, count, step)]
    print("ready", flush=True)
    sys.stdin.readline()
    began, used = time.perf_counter(), time.process_time()
    for kind, number in jobs:
        handle(kind, files[kind][number % len(files[kind])])
    print(time.perf_counter() - began, time.process_time() - used, flush=True)


if __name__ == "__main__":
    main()

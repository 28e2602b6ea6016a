"""The limit of the media benchmark: one bare process, nothing but calls into C libraries.

``python _media_limit.py FOLDER COUNT FIRST STEP MIX`` handles assets FIRST, FIRST + STEP, ... of
COUNT: hash what would be downloaded; decode HEIC, encode it as JPEG and hash that. It is ready
when it has printed a line, begins when it gets one, and prints the seconds it took.
"""

from __future__ import annotations

import hashlib
import io
import sys
import time
from pathlib import Path

import pillow_heif
from PIL import Image

pillow_heif.options.DECODE_THREADS = 1
pillow_heif.register_heif_opener()


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
    began = time.perf_counter()
    for kind, number in jobs:
        data = files[kind][number % len(files[kind])]
        hashlib.sha256(data).hexdigest()
        if kind == "heic":
            out = io.BytesIO()
            with Image.open(io.BytesIO(data)) as image:
                image.save(out, "JPEG", quality=92, subsampling=2)
            hashlib.sha256(out.getbuffer()).hexdigest()
    print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()

"""The bare engine in a loop: one process of it, over a folder of pictures, beginning at a moment.

    python benchmarks/_reading_limit.py FOLDER PROCESS OF MOMENT

Prints the moment at which it was done (epoch seconds). Same models and settings as ours.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from _bench import ROOT  # noqa: F401 - puts the checkout on the path

from ocr.local.reader import recogniser_settings


def main() -> int:
    """Read every OF-th picture."""
    from rapidocr import RapidOCR

    folder, process, of, moment = sys.argv[1:]
    files = sorted(Path(folder).iterdir())[int(process) :: int(of)]
    contents = [file.read_bytes() for file in files]
    engine: Any = RapidOCR(params=recogniser_settings())
    engine(contents[0])
    time.sleep(max(0.0, float(moment) - time.time()))
    for content in contents:
        engine(content)
    print(time.time())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The recogniser: PP-OCRv6 small through onnxruntime, both models from inside the wheel.

It is loaded once per process, at the first picture, because importing and loading takes two
seconds and 300 MB which only a process that reads should pay. The paths of the two model files
are passed explicitly, so a missing file is an error and never a download.
"""

from __future__ import annotations

import importlib.util
import math
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from carousel.lib.errors import UpstreamError
from ocr.local.boxes import Box, Point

DETECTOR: Final = "PP-OCRv6_det_small.onnx"
RECOGNISER: Final = "PP-OCRv6_rec_small.onnx"

DOUBTFUL: Final = 0.9
"""Lines with a lower score may stand on their head; upright ones that were read rightly scored
0.93 or more."""

_DETECTOR_SIDE: Final = 736  # instead of the default: the same text at a third of the time

_MARGIN: Final = 8.0
"""Pixels, as the detector sees the picture, that a box is higher than its letters (measured on
letters of 12 to 90 pixels)."""

_PARAMETERS: Final[dict[str, Any]] = {
    "Global.use_cls": False,
    "Global.log_level": "error",
    "Det.limit_side_len": _DETECTOR_SIDE,
    "Det.limit_type": "max",
    "Rec.rec_batch_num": 1,
    # Parallelism comes from worker processes; threads of their own would fight for the cores.
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}

_lock = threading.Lock()
_recogniser: Any = None


def read_boxes(picture: Image.Image) -> list[Box]:
    """Return what looks like text in an RGB picture, read or not, in pixels of about its size.

    Safe to call from several threads.
    Raises ``UpstreamError`` ``reader_missing`` where rapidocr or its models are not installed.
    """
    recogniser = _load()
    # Step by step, because the whole call drops what it could not read without a word.
    pixels, record = recogniser.preprocess_img(recogniser.load_img(picture))
    found, _, read, cut = recogniser.run_ocr_steps(pixels, record)
    if found.boxes is None or read.txts is None:
        return []
    lines = [_Line(text, float(s)) for text, s in zip(read.txts, read.scores, strict=True)]
    _turn_doubtful(recogniser, lines, cut)
    return [
        Box(_as_read(corners, line), line.text, line.score)
        for corners, line in zip(found.boxes, lines, strict=True)
    ]


def line_heights(picture: Image.Image) -> list[float]:
    """Return about the sizes of the letters (pixels) in each line of text in an RGB picture.

    Only the detector is asked, which takes half of the time of reading. Raises like
    ``read_boxes``.
    """
    recogniser = _load()
    pixels, record = recogniser.preprocess_img(recogniser.load_img(picture))
    found = recogniser._load_det_model()(pixels)
    scale = record["preprocess"]["ratio_h"]
    margin = _MARGIN * max(1.0, max(pixels.shape[:2]) / _DETECTOR_SIDE)
    return [
        scale * (min(math.dist(one[0], one[1]), math.dist(one[1], one[2])) - margin)
        for one in ([] if found.boxes is None else found.boxes)
    ]


@dataclass(slots=True)
class _Line:
    text: str
    score: float
    turned: bool = False


def _turn_doubtful(recogniser: Any, lines: list[_Line], cut: Sequence[Any]) -> None:
    """Look at lines that make little sense upside down too."""
    doubtful = [place for place, line in enumerate(lines) if line.score < DOUBTFUL]
    if not doubtful:
        return
    again = recogniser.recognize_txt([cut[place][::-1, ::-1] for place in doubtful])
    for place, text, score in zip(doubtful, again.txts, again.scores, strict=True):
        if score >= DOUBTFUL:
            lines[place] = _Line(text, float(score), turned=True)


def _as_read(corners: Sequence[Sequence[float]], line: _Line) -> tuple[Point, ...]:
    """Return the corners from where the text begins: the recogniser is given what is tall lying on
    its left side."""
    points = [(float(x), float(y)) for x, y in corners]
    width = max(math.dist(points[0], points[1]), math.dist(points[2], points[3]))
    height = max(math.dist(points[0], points[3]), math.dist(points[1], points[2]))
    first = (int(height) >= 1.5 * int(width)) + 2 * line.turned
    return (*points[first:], *points[:first])


def model_files() -> tuple[Path, Path]:
    """Return the paths of the detector and the recogniser inside the installed wheel.

    Raises ``UpstreamError`` ``reader_missing`` where one is not there.
    """
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise _missing("the package rapidocr is not installed")
    folder = Path(spec.origin).parent / "models"
    for name in (DETECTOR, RECOGNISER):
        if not (folder / name).is_file():
            raise _missing(f"the installed rapidocr has no {name}")
    return folder / DETECTOR, folder / RECOGNISER


def _missing(what: str) -> UpstreamError:
    return UpstreamError(
        f"The local reader can't start: {what}. "
        "Install requirements.txt, or set OCR_ENGINE=gemini.",
        code="reader_missing",
        retryable=False,
    )


def _load() -> Any:
    global _recogniser
    if _recogniser is None:
        with _lock:
            if _recogniser is None:
                _recogniser = _build()
    return _recogniser


def recogniser_settings() -> dict[str, Any]:
    """Return what rapidocr is built with. Raises like ``model_files``."""
    detector, recogniser = model_files()
    paths = {"Det.model_path": str(detector), "Rec.model_path": str(recogniser)}
    return _PARAMETERS | paths


def _build() -> Any:
    parameters = recogniser_settings()
    from rapidocr import RapidOCR

    return RapidOCR(params=parameters)


def _forget() -> None:
    """Start afresh in a forked child: the parent may have held the lock at that moment."""
    global _lock, _recogniser
    _lock = threading.Lock()
    _recogniser = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

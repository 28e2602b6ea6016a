"""The recogniser: PP-OCRv6 small through onnxruntime, both models from inside the wheel.

It is loaded once per process, at the first picture, because importing and loading takes two
seconds and 300 MB which only a process that reads should pay. The paths of the two model files
are passed explicitly, so a missing file is an error and never a download.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from pathlib import Path
from typing import Any, Final

from PIL import Image

from carousel.lib.errors import UpstreamError
from ocr.local.layout import Box

DETECTOR: Final = "PP-OCRv6_det_small.onnx"
RECOGNISER: Final = "PP-OCRv6_rec_small.onnx"

_PARAMETERS: Final[dict[str, Any]] = {
    "Global.use_cls": False,
    "Global.log_level": "error",
    # 736 instead of the default: the same text at a third of the time.
    "Det.limit_side_len": 736,
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
    found, _, read, _ = recogniser.run_ocr_steps(pixels, record)
    if found.boxes is None or read.txts is None:
        return []
    return [
        Box(tuple((float(x), float(y)) for x, y in corners), text, float(score))
        for corners, text, score in zip(found.boxes, read.txts, read.scores, strict=True)
    ]


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


def _build() -> Any:
    detector, recogniser = model_files()
    from rapidocr import RapidOCR

    paths = {"Det.model_path": str(detector), "Rec.model_path": str(recogniser)}
    return RapidOCR(params=_PARAMETERS | paths)


def _forget() -> None:
    """Start afresh in a forked child: the parent may have held the lock at that moment."""
    global _lock, _recogniser
    _lock = threading.Lock()
    _recogniser = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

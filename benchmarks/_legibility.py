"""What Gemini's media resolutions leave legible.

The model is not asked: errors are those of the local reader on the picture reduced to the pixels
that so many tokens can carry, as many per token as Gemini 2 documents. A proxy, and the figures say
so.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from _bench import CORPORA
from _slides import Slide, blank, hard, scripts
from ocr_quality import HARD, KNOWN
from PIL import Image

from ocr.engine import Context, PostRequest, SlideImage
from ocr.gemini.config import IMAGE_TOKENS
from ocr.gemini.images import PIXELS_PER_TOKEN, sufficient
from ocr.local import LocalEngine
from ocr.local.reader import line_heights
from ocr.pictures import decode
from ocr.scoring import Tally

LEVELS = ("low", "medium", "high")


def labelled() -> list[Slide]:
    """Slides with a known text in scripts that the local reader knows, drawn and real."""
    drawn = [*scripts()[0], *hard(), *blank()]
    slides = [slide for slide in drawn if slide.kind in (*KNOWN, *HARD, "no text")]
    file = CORPORA / "ocr" / "TRUTH.jsonl"
    for line in file.read_text().splitlines() if file.is_file() else ():
        truth = json.loads(line)
        whole = truth["truth_level"] == "peer-test" and truth["text"] != "3F1"
        if whole and truth["lang"] in ("en", "zh", "la"):
            content = (file.parent / truth["image"]).read_bytes()
            slides.append(Slide("corpus", truth["text"], decode(content)))
    return slides


def reduced(picture: Image.Image, level: str) -> Image.Image:
    """What is left of it at a media resolution."""
    pixels = picture.width * picture.height
    share = math.sqrt(IMAGE_TOKENS[level] * PIXELS_PER_TOKEN / pixels)
    if share >= 1:
        return picture
    size = (round(picture.width * share), round(picture.height * share))
    return picture.resize(size, Image.Resampling.LANCZOS)


def resolutions(slides: Sequence[Slide]) -> dict[str, Any]:
    """Errors and tokens by resolution; "auto" takes for each slide what it would be sent at."""
    engine = LocalEngine()
    began = time.perf_counter()
    chosen = [sufficient(line_heights(slide.picture), slide.picture.size) for slide in slides]
    looking = (time.perf_counter() - began) / len(slides)
    tallies = {level: Tally() for level in (*LEVELS, "auto")}
    for slide, own in zip(slides, chosen, strict=True):
        for level in LEVELS:
            out = io.BytesIO()
            reduced(slide.picture, level).save(out, "PNG")
            image = SlideImage("0", out.getvalue(), "image/png")
            (result,) = engine.read([PostRequest("", "", "", (image,))], Context())
            tallies[level].add(result.slides[0].text, slide.text)
            if level == own:
                tallies["auto"].add(result.slides[0].text, slide.text)
    tokens = {**IMAGE_TOKENS, "auto": sum(IMAGE_TOKENS[own] for own in chosen) / len(chosen)}
    return {
        "errors_are": "a proxy: the local reader on the reduced picture",
        "pixels_per_token": PIXELS_PER_TOKEN,
        "slides": len(slides),
        "seconds_to_choose": looking,
        "chosen": dict(Counter(chosen)),
        **{
            level: {"tokens_per_image": tokens[level], "character_error_rate": errors(tally)}
            for level, tally in tallies.items()
        },
    }


def errors(tally: Tally) -> float:
    """Per character."""
    return tally.character_error_rate or 0.0

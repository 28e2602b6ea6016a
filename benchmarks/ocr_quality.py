"""How well slides are read: errors per character and the order of the words, per engine and kind.

Slides are drawn in ten scripts, and in Latin script with outlines, emoji, faint, small and turned
letters, columns and tables; pictures without text are among them; real pictures with a stated truth
come from ``shared/corpora/ocr``. The local reader stands against the bare engine as it comes, whose
lines are joined in the order they were found.

Gemini is asked where GEMINI_API_KEY is set (that costs a few cents). Elsewhere its stand-in answers
for slides of the sandbox: it knows what it drew, so its figures prove the way there and back and
say nothing about the model.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from _bench import CORPORA, conclude, ratio, say
from _slides import Slide, blank, hard, scripts

from ocr.engine import Context, Engine, PostRequest, SlideImage
from ocr.scoring import Tally

KNOWN = ("latin", "chinese", "japanese")
HARD = ("outline", "emoji", "low contrast", "small print", "rotated", "columns")
PARTLY_LABELLED = ("return_word_debug.jpg",)  # a sign of which the truth has three letters
MOST_ERRORS = 0.03
LEAST_ORDER = 0.98
Reader = Callable[[Sequence[bytes]], list[str]]


def with_engine(engine: Engine) -> Reader:
    """Read files through one of our engines, eight to a post."""

    def read(files: Sequence[bytes]) -> list[str]:
        posts = [
            PostRequest(str(n), "", "", tuple(map(_image, range(8), files[n : n + 8])))
            for n in range(0, len(files), 8)
        ]
        found = engine.read(posts, Context())
        texts = [{slide.label: slide.text for slide in post.slides} for post in found]
        return [texts[n // 8].get(str(n % 8), "") for n in range(len(files))]

    return read


def _image(position: int, content: bytes) -> SlideImage:
    return SlideImage(str(position), content, "", position=position)


def bare_engine() -> Reader:
    """RapidOCR as it comes, on one thread."""
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    whole: Any = RapidOCR(params={"Global.log_level": "error", **threads})
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return lambda files: ["\n".join(whole(content).txts or ()) for content in files]


def tallied(reader: Reader, slides: Sequence[Slide]) -> dict[str, Tally]:
    """Compare by kind."""
    tallies: dict[str, Tally] = {}
    read = reader([slide.jpeg() for slide in slides])
    for slide, text in zip(slides, read, strict=True):
        tallies.setdefault(slide.kind, Tally()).add(text, slide.text)
    return tallies


def corpus(reader: Reader) -> dict[str, Tally] | str:
    """Real pictures, by language; or why there are none."""
    folder = CORPORA / "ocr"
    if not (folder / "TRUTH.jsonl").is_file():
        return f"no {folder.name} corpus beside this checkout"
    truths = [json.loads(line) for line in (folder / "TRUTH.jsonl").read_text().splitlines()]
    read = reader([(folder / truth["image"]).read_bytes() for truth in truths])
    tallies: dict[str, Tally] = {}
    for truth, text in zip(truths, read, strict=True):
        if truth["truth_level"] == "first-line":
            text = text.split("\n")[0]
        elif truth["image"] in PARTLY_LABELLED and truth["text"] in text:
            text = truth["text"]
        tallies.setdefault(truth["lang"], Tally()).add(text, truth["text"])
    (nothing,) = reader([(folder / "empty_black.jpg").read_bytes()])
    tallies.setdefault("no text", Tally()).add(nothing, "")
    return tallies


def figures(tallies: dict[str, Tally] | str) -> dict[str, Any] | str:
    """What is reported of each kind."""
    if isinstance(tallies, str):
        return tallies
    return {
        kind: {
            "slides": tally.texts,
            "character_error_rate": tally.character_error_rate,
            "order_rate": tally.order_rate,
            "exact": tally.exact,
            **({"invented": tally.invented} if tally.blank else {}),
        }
        for kind, tally in tallies.items()
    }


def errors(tallies: dict[str, Tally], kinds: Iterable[str]) -> float | None:
    """Errors per character of several kinds together."""
    chosen = [tallies[kind] for kind in kinds if kind in tallies]
    characters = sum(tally.characters for tally in chosen)
    return sum(tally.errors for tally in chosen) / characters if characters else None


def report(reader: Reader, slides: Sequence[Slide]) -> tuple[dict[str, Any], dict[str, Tally]]:
    """Read everything there is, and say how it went."""
    began = time.perf_counter()
    drawn = tallied(reader, slides)
    seconds = time.perf_counter() - began
    found = {
        "stand_in": False,
        "known_scripts": errors(drawn, KNOWN),
        "hard_slides": errors(drawn, HARD),
        "seconds_per_slide": seconds / len(slides),
        "drawn": figures(drawn),
        "corpus": figures(corpus(reader)),
    }
    return found, drawn


def gemini(slides: Sequence[Slide]) -> dict[str, Any]:
    """Gemini on the same slides, or its stand-in on its own."""
    from ocr.gemini import GeminiConfig, GeminiEngine

    key = os.environ.get("GEMINI_API_KEY")
    if not key:
        return _stand_in()
    config = GeminiConfig(key, base_url=os.environ.get("GEMINI_BASE_URL") or None)
    config = replace(config, model=os.environ.get("GEMINI_MODEL") or config.model)
    return {"model": config.model, **report(with_engine(GeminiEngine(config)), slides)[0]}


def _stand_in() -> dict[str, Any]:
    """The sandbox's slides through the SDK and back."""
    from carousel.sandbox import draw
    from carousel.sandbox.server import start
    from ocr.gemini import GeminiConfig, GeminiEngine

    with start(port=0) as sandbox:
        creator = sandbox.world.by_handle("creator.1")
        assert creator is not None
        posts = [post for post in creator.posts(time.time()) if post.is_photo][:4]
        slides = [
            Slide("sandbox", sandbox.world.text_of(slide), draw.slide(post, slide.position))
            for post in posts
            for slide in post.slides
        ]
        engine = GeminiEngine(GeminiConfig("k", base_url=sandbox.gemini_url))
        drawn = figures(tallied(with_engine(engine), slides))
    return {
        "stand_in": True,
        "note": "GEMINI_API_KEY is not set: the sandbox answered with what it drew",
        "drawn": drawn,
    }


def main() -> int:
    """Print the figures. Returns 1 if the local reader missed an aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--local-only", action="store_true")
    args = parser.parse_args()
    from ocr.local import LocalEngine

    usual, missing = scripts()
    slides = [*usual, *hard(), *blank()]
    say(f"the local reader looks at {len(slides)} slides")
    ours, drawn = report(with_engine(LocalEngine()), slides)
    found: dict[str, Any] = {"local": ours}
    if not args.local_only:
        say("so does the bare engine")
        found["bare_engine"], bare = report(bare_engine(), slides)
        found["errors_to_bare_engine"] = ratio(errors(drawn, HARD), errors(bare, HARD))
        say("and Gemini, or its stand-in")
        found["gemini"] = gemini(slides)
    words = sum(drawn[kind].words_found for kind in (*KNOWN, *HARD) if kind in drawn)
    moved = sum(drawn[kind].out_of_order for kind in (*KNOWN, *HARD) if kind in drawn)
    kept = (
        max(ours["known_scripts"] or 0, ours["hard_slides"]) <= MOST_ERRORS
        and 1 - moved / words >= LEAST_ORDER
        and drawn["no text"].invented == 0
    )
    conclude("ocr_quality", {**found, "skipped": missing, "kept": kept})
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

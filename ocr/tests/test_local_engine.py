from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from carousel.lib.errors import UpstreamError
from ocr.engine import CategoryChoice, Context, Engine, PostRequest, PostResult, SlideImage
from ocr.local import LocalConfig, LocalEngine
from ocr.local.reader import model_files
from ocr.tests.drawing import (
    STYLES,
    Drawing,
    background,
    character_errors,
    draw,
    find_font,
    jpeg,
)

OCR_CORPUS = Path(settings.BASE_DIR).parent / "shared" / "corpora" / "ocr"

TEXTS = {
    "en": [
        "5 habits that changed\nmy mornings",
        "Drink water before\nyou touch your phone",
        "How I saved $3,400\nin 6 months",
        "The 80/20 rule, explained\nin one minute",
        "Save this for later\nand follow for part 2",
    ],
    "de": ["7 Fehler, die dich beim\nAbnehmen bremsen"],
    "fr": ["Enregistre ce post\npour plus tard"],
    "it": ["Salva questo post e\nseguimi per altri consigli"],
}

ACCENTED = {
    "de": "Grüße aus München:\nso schmeckt Glück",
    "fr": "Où manger à Paris\npour moins de 15 €",
    "es": "¿Por qué nadie te\ndice esto, mañana?",
    "pt": "Você não precisa de\nmais motivação",
}


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    """One engine for the module: loading takes two seconds."""
    return LocalEngine()


def post(*contents: bytes, caption: str = "", language: str = "") -> PostRequest:
    slides = tuple(
        SlideImage(f"s{n}", content, "image/jpeg", position=n) for n, content in enumerate(contents)
    )
    return PostRequest("post", caption, language, slides)


def read(engine: Engine, *contents: bytes) -> PostResult:
    return engine.read([post(*contents)], Context())[0]


def test_drawn_slides_are_read_line_by_line_with_their_language(engine: LocalEngine) -> None:
    drawings = [
        (Drawing(text, STYLES[n % 4], font_size=52 + 8 * (n % 3), seed=n), language)
        for n, (language, text) in enumerate(
            (language, text) for language, texts in TEXTS.items() for text in texts
        )
    ]
    results = [read(engine, jpeg(draw(drawing))).slides[0] for drawing, _ in drawings]
    wrong = sum(
        character_errors(result.text, drawing.text)
        for result, (drawing, _) in zip(results, drawings, strict=True)
    )
    assert wrong / sum(len(drawing.text) for drawing, _ in drawings) < 0.03
    assert [r.text.count("\n") for r in results] == [d.text.count("\n") for d, _ in drawings]
    assert [r.language for r in results] == [language for _, language in drawings]
    assert all(r.confidence is not None and r.confidence > 0.9 for r in results)


@pytest.mark.skipif(not find_font(), reason="no DejaVu font: the built-in one has no accents")
def test_accents_are_read(engine: LocalEngine) -> None:
    for language, text in ACCENTED.items():
        drawing = Drawing(text, font_size=60, font=find_font())
        slide = read(engine, jpeg(draw(drawing))).slides[0]
        assert (character_errors(slide.text, text), slide.language) == (0, language)


@pytest.mark.parametrize(
    "drawing",
    [
        Drawing("A tilted headline\nwith two lines", angle=5),
        Drawing("A picture of a face\nbelow the words", emoji=True, seed=4),
        Drawing("Small print at the end\nof a long story", "dark-on-light", font_size=24),
        Drawing("Tall phone screenshot\nformat works too", width=1080, height=1920),
        Drawing("These two lines stand\nupon their heads", angle=180),
        Drawing("Running upwards\nalong the side", angle=90),
        Drawing("Running downwards\nalong the side", angle=-90),
    ],
    ids=["tilted", "emoji", "small", "tall", "upside-down", "upwards", "downwards"],
)
def test_hard_slides_are_read(engine: LocalEngine, drawing: Drawing) -> None:
    slide = read(engine, jpeg(draw(drawing))).slides[0]
    assert character_errors(slide.text, drawing.text) / len(drawing.text) < 0.03


def test_a_picture_without_text_gives_no_text(engine: LocalEngine) -> None:
    for picture in (background(1080, 1440, 5), Image.new("RGB", (1080, 1440), "black")):
        slide = read(engine, jpeg(picture)).slides[0]
        assert (slide.text, slide.language, slide.slide_type) == ("", "", "unknown")
        assert slide.description == "Picture without text."
        assert slide.confidence is None


def test_unreadable_pictures_are_named_and_the_others_are_read(engine: LocalEngine) -> None:
    def gone() -> bytes:
        raise FileNotFoundError("slides/3.jpg")

    good = jpeg(draw(Drawing("Still here")))
    broken = post(b"<html>403</html>", good, b"")
    slides = (*broken.slides, SlideImage("s3", gone, "image/jpeg", position=3))
    bad, fine = engine.read(
        [PostRequest("a", "", "", slides), PostRequest("b", "", "", post(good).slides)], Context()
    )
    assert [(s.label, s.text) for s in bad.slides] == [("s1", "Still here")]
    assert {label: (e.code, e.retryable) for label, e in bad.errors.items()} == {
        "s0": ("unreadable_image", False),
        "s2": ("unreadable_image", False),
        "s3": ("image_missing", True),
    }
    assert [result.key for result in (bad, fine)] == ["a", "b"]
    assert (fine.slides[0].text, fine.errors, fine.error) == ("Still here", {}, None)


def test_a_post_gets_types_category_and_provenance_from_the_rules(engine: LocalEngine) -> None:
    pictures = [
        jpeg(draw(Drawing(text, seed=n)))
        for n, text in enumerate(("My leg day workout", "Squat: 5 x 5", "Follow me\nfor more"))
    ]
    context = Context((CategoryChoice("Fitness"),), allow_new_categories=False)
    (result,) = engine.read([post(*pictures, caption="#gym")], context)
    assert [slide.slide_type for slide in result.slides] == ["hook", "content", "cta"]
    assert result.category == "Fitness"
    assert result.model_version == engine.model == "rapidocr-3.10/PP-OCRv6 + rules"
    assert result.cost_usd == result.input_tokens == 0


def test_a_slide_asked_for_alone_keeps_its_part_in_the_post(engine: LocalEngine) -> None:
    picture = jpeg(draw(Drawing("Share, repost")))
    slides = (SlideImage("s4", picture, "image/jpeg", position=4),)
    last, middle = engine.read(
        [PostRequest(str(n), "", "", slides, slide_count=n) for n in (5, 9)], Context()
    )
    assert [r.slides[0].slide_type for r in (last, middle)] == ["cta", "content"]


def test_a_slide_too_short_to_tell_takes_the_language_of_its_post(engine: LocalEngine) -> None:
    picture = jpeg(draw(Drawing("Matcha 2000")))
    (known,) = engine.read(
        [post(picture, caption="Was ich nicht wusste und du auch nicht")], Context()
    )
    (hinted,) = engine.read([post(picture, language="nl-BE")], Context())
    assert [r.slides[0].language for r in (known, hinted)] == ["de", "nl"]


def test_transparent_png_and_exif_orientation_are_read(engine: LocalEngine) -> None:
    layer = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    text = draw(Drawing("White on nothing", "dark-on-light", 600, 200, font_size=56))
    layer.paste((255, 255, 255, 255), (0, 0), text.convert("L").point(lambda v: 255 * (v < 128)))
    out = io.BytesIO()
    layer.save(out, "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    draw(Drawing("Turned by a tag")).rotate(90, expand=True).save(turned, "JPEG", exif=exif)
    result = read(engine, out.getvalue(), turned.getvalue())
    assert [slide.text for slide in result.slides] == ["White on nothing", "Turned by a tag"]


def test_threads_share_one_engine(engine: LocalEngine) -> None:
    words = ("Alpha", "Bravo", "Delta")
    pictures = {word: jpeg(draw(Drawing(f"{word} slide", width=540, height=540))) for word in words}
    texts: dict[str, str] = {}

    def work(word: str) -> None:
        texts[word] = read(engine, pictures[word]).slides[0].text

    threads = [threading.Thread(target=work, args=(word,)) for word in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {word: f"{word} slide" for word in words}


def test_the_models_are_in_the_wheel_so_nothing_is_downloaded() -> None:
    assert all(path.stat().st_size > 1_000_000 for path in model_files())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_worker_reads_although_its_parent_had_loaded_the_model(
    engine: LocalEngine,
) -> None:
    picture = jpeg(draw(Drawing("Child", width=540, height=540)))
    read(engine, picture)
    child = os.fork()
    if child == 0:
        ok = False
        try:
            ok = read(engine, picture).slides[0].text == "Child"
        finally:
            os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_picture_beyond_the_limit_is_refused(engine: LocalEngine) -> None:
    small = LocalEngine(LocalConfig(max_pixels=10_000))
    assert read(small, jpeg(background(200, 200, 1))).errors["s0"].code == "image_too_large"


def test_a_missing_model_is_said_for_the_whole_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocr.local.reader.DETECTOR", "no-such-model.onnx")
    monkeypatch.setattr("ocr.local.reader._recogniser", None)
    with pytest.raises(UpstreamError, match="OCR_ENGINE=gemini") as caught:
        read(LocalEngine(), jpeg(background(64, 64, 1)))
    assert caught.value.code == "reader_missing"


@pytest.mark.skipif(not OCR_CORPUS.is_dir(), reason=f"no corpus at {OCR_CORPUS}")
def test_real_pictures_in_latin_chinese_and_no_script_at_all(engine: LocalEngine) -> None:
    truth = {
        row["image"]: row
        for row in map(json.loads, (OCR_CORPUS / "TRUTH.jsonl").read_text().splitlines())
        if row["lang"] in ("en", "la", "zh") and row["truth_level"] == "peer-test"
    }
    # Upside down, and a scene of which the truth names one word only.
    for name in truth.keys() - {"text_cls.jpg", "return_word_debug.jpg"}:
        text = read(engine, (OCR_CORPUS / name).read_bytes()).slides[0].text
        assert character_errors(text, truth[name]["text"]) <= 1, name
    assert read(engine, (OCR_CORPUS / "empty_black.jpg").read_bytes()).slides[0].text == ""


@pytest.mark.skipif(not OCR_CORPUS.is_dir(), reason=f"no corpus at {OCR_CORPUS}")
@pytest.mark.parametrize("name", ["eslav.jpg", "korean.jpg", "devanagari.jpg", "th_rec.jpg"])
def test_a_script_the_model_does_not_know_is_said_and_not_guessed(
    engine: LocalEngine, name: str
) -> None:
    slide = read(engine, (OCR_CORPUS / name).read_bytes()).slides[0]
    assert (slide.text, slide.confidence) == ("", 0.0)
    assert "can't read" in slide.description

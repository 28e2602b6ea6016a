"""``score_readings``: a hand-labelled sample held against what was read."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carousel.tests.commands import run_command
from media_cache.models import CacheAsset
from ocr.models import PostCategory, Reader, Reading, SlideReading, Source
from ocr.scoring import Tally, edit_distance, order
from tiktok.models import TikTokPost
from tiktok.tests.factories import make_profile

pytestmark = pytest.mark.django_db

LABELS = (
    ("Three habits", "hook", "Food"),
    ("", "content", ""),
    ("Drink water\nevery day", "content", ""),
    ("mine", "cta", ""),
)


@pytest.fixture
def post() -> TikTokPost:
    reader = Reader.objects.create(engine="gemini", model="m", prompt_version="1")
    food = PostCategory.objects.create(name="Food")
    reading = Reading.objects.create(status="completed", category=food, category_source="ai")
    texts = (("Three habit", "hook"), ("IKEA", "content"), ("every day\nDrink water", "hook"))
    for position, (text, kind) in enumerate((*texts, ("mine", "cta"))):
        asset = CacheAsset.objects.create(kind="image", source_key=f"k{position}")
        SlideReading.objects.create(
            reading=reading,
            position=position,
            asset=asset,
            text=text,
            slide_type=kind,
            reader=reader,
            source=Source.HUMAN if text == "mine" else Source.AI,
        )
    return TikTokPost.objects.create(
        tiktok_id="7300000000000000001",
        profile=make_profile(),
        content_type="photo",
        published_at=datetime(2026, 11, 1, tzinfo=UTC),
        reading=reading,
    )


def test_errors_order_and_judgements_are_counted_per_reader(
    post: TikTokPost, tmp_path: Path
) -> None:
    path = tmp_path / "sample.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["post", "position", "text", "slide_type", "category"])
        for position, label in enumerate(LABELS):
            writer.writerow([post.tiktok_id, position, *label])
        writer.writerow(["7300000000000000009", 0, "x", "", ""])
        writer.writerow([post.tiktok_id, 17, "x", "", ""])
    found = run_command("score_readings", str(path), "--json").document
    assert (found["unknownPosts"], found["missingSlides"], found["corrected"]) == (1, 1, 1)
    scored = found["readers"]["gemini m 1"]
    assert (scored["slides"], scored["exact"], scored["blank"], scored["invented"]) == (3, 0, 1, 1)
    swapped = edit_distance("every day Drink water", "Drink water every day")
    assert scored["characterErrors"] == 1 + 4 + swapped
    assert scored["characters"] == 12 + 0 + 21
    assert scored["order"] == pytest.approx(3 / 5)  # of five words, two are in the wrong place
    assert scored["slideTypeAccuracy"] == pytest.approx(2 / 3)
    assert scored["categoryAccuracy"] == 1


def test_json_lines_may_leave_labels_out(post: TikTokPost, tmp_path: Path) -> None:
    path = tmp_path / "sample.jsonl"
    path.write_text(json.dumps({"post": str(post.pk), "position": 1, "slide_type": "cta"}) + "\n")
    found = run_command("score_readings", str(path), "--json").document
    assert found["readers"]["gemini m 1"]["slideTypeAccuracy"] == 0
    assert found["readers"]["gemini m 1"]["slides"] == 0


def test_a_file_that_can_not_be_used_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "x.jsonl"
    broken.write_text("{")
    assert "not JSON" in run_command("score_readings", str(broken)).failure
    assert "can't be read" in run_command("score_readings", str(tmp_path / "none")).failure
    empty = tmp_path / "x.csv"
    empty.write_text("slide,text\n1,a\n")
    assert "Line 2 names no post" in run_command("score_readings", str(empty)).failure


def test_scores_are_those_of_the_textbook() -> None:
    assert edit_distance("kitten", "sitting") == edit_distance("sitting", "kitten") == 3
    assert edit_distance("", "abc") == 3
    assert order(["c", "a", "b"], ["a", "b", "c"]) == (3, 1)
    assert order(["a", "a", "x"], ["a", "b", "a"]) == (2, 0)
    tally = Tally()
    tally.add("Café  au\nlait", "Cafe\u0301 au lait")
    assert (tally.errors, tally.exact, tally.order_rate) == (0, 1, 1)
    assert (Tally().character_error_rate, Tally().accuracy("category")) == (None, None)

"""The words of a text: the same to the program and to the database, and what is one slip away."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from ocr.fold import searchable
from ocr.lexemes import UNSPACED_RUN, misspellings, pairs, spaced_words

pytestmark = pytest.mark.django_db
SAID = [
    "",
    "Don’t stop: 5am, sure_thing! well-being",
    "上海美食 ok 猫 🔥🔥 iPhone手机",
    "วิธีเลี้ยงแมว",
    "हिन्दी भाषा।",
    "مرحبا، يا صديقي؟",
    "한국어 공부",
    "Straße ﬁne CAFÉ ½ ² €5 c++",
]


def in_database(text: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(ocr_lexemes(%s))", [text])
        return set(cursor.fetchone()[0])


def test_the_database_and_the_program_agree_on_words(shared: Path) -> None:
    lines = (shared / "corpora/strings/blns.txt").read_text(encoding="utf-8").splitlines()
    for line in [*SAID, *lines, " ".join(lines)]:
        text = searchable(line).replace("\0", "")
        last = {run[-1] for run in UNSPACED_RUN.findall(text)}
        assert in_database(text) == {*spaced_words(text), *pairs(text), *last}, text


def test_scripts_without_spaces_are_pairs_and_the_last_letter_begins_none() -> None:
    assert pairs("上海 ok 猫") == ["上海", "猫"]
    assert spaced_words("iphone手机 5am") == ["iphone", "5am"]
    assert in_database("上海美 x") == {"上海", "海美", "美", "x"}


def test_a_word_longer_than_the_database_takes_is_cut() -> None:
    assert in_database("ж" * 3000 + " b") == {"ж" * 500, "b"}


@pytest.mark.parametrize(
    "typed", ["morning", "mornig", "mornning", "mormning", "mornibg", "omrning"]
)
def test_one_slip_leads_back_to_the_word(typed: str) -> None:
    assert ("morning" in misspellings(typed)) == (typed != "morning")


@pytest.mark.parametrize(
    ("typed", "meant"), [("привот", "привет"), ("γιεα", "γεια"), ("smorrebrod", "smørrebrod")]
)
def test_slips_are_made_in_the_letters_of_the_script(typed: str, meant: str) -> None:
    assert meant in misspellings(typed)
    assert all(len(word) <= len(typed) + 1 for word in misspellings(typed))


def test_two_slips_are_another_word() -> None:
    assert "morning" not in misspellings("mronnig")

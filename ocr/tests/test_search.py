"""What is typed, and where it is found in a text."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocr.search import Term, highlights, parse


def shown(query: str) -> list[str]:
    quoted = {True: '"', False: ""}
    return [
        ("-" if term.is_excluded else "") + term.text.join([quoted[term.is_phrase]] * 2)
        for term in parse(query)
    ]


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Morning  HABITS", ["morning", "habits"]),
        ('"My  morning" -not', ['"my morning"', "-not"]),
        ('-"bad idea" good', ['-"bad idea"', "good"]),
        ("“Smart quotes” „auch so“", ['"smart quotes"', '"auch so"']),
        ('"open end', ['"open end"']),
        ("#hash, (what?!)", ["hash", "what"]),
        ("Ünïted ﬁne Straße", ["united", "fine", "strasse"]),
        ("well-being don't", ["well-being", "don't"]),
        ("a a A", ["a"]),
        ("🔥 ***", ["🔥", "***"]),
        ("- b", ["-", "b"]),
        ("美食 แมว", ["美食", "แมว"]),
    ],
)
def test_a_query_is_read_as_a_person_means_it(query: str, terms: list[str]) -> None:
    assert shown(query) == terms


@pytest.mark.parametrize(
    "query", ["", "  ", "-no", '""', '-"a b" -c', " ".join("abcdefghijklmnopq")]
)
def test_nothing_to_look_for_or_too_much_is_said_in_words(query: str) -> None:
    with pytest.raises(ValueError, match="Write at"):
        parse(query)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("habit", "My Habits, her habit", ["Habit", "habit"]),
        ("cafe", "CAFÉ cafe\u0301 Cafés", ["CAFÉ", "cafe\u0301", "Café"]),
        ("strasse", "Große Straße", ["Straße"]),
        ("fin", "ﬁne", ["ﬁn"]),
        ('"good morning"', "Good\n  Morning, good mornings", ["Good\n  Morning"]),
        ('"art"', "party art", ["art"]),
        ("don't", "Don’t", ["Don’t"]),
        ("美食", "上海美食攻略", ["美食"]),
        ("แมว", "รักแมวมาก", ["แมว"]),
        ("morning", "mornign routine", ["mornign"]),
        ("recieve", "you receive receipts", ["receive"]),
        ("ai", "AI said aid", ["AI", "ai"]),
        ("one two", "two one two", ["two", "one", "two"]),
        ("abcd bcde", "xabcdex", ["abcde"]),
        ("good -bad", "good bad", ["good"]),
        ("👩\u200d👧", "a 👩\u200d👧 b", ["👩\u200d👧"]),
    ],
)
def test_highlights_are_offsets_in_code_points(query: str, text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in highlights(text, parse(query))] == found


def test_highlights_are_in_order_and_apart_for_any_text(shared: Path) -> None:
    lines = (shared / "corpora/strings/blns.txt").read_text(encoding="utf-8").splitlines()
    terms = [Term(text, text, False, False) for text in ("a", "the", "script", "1", "田", "ة")]
    for text in ["\n".join(lines), *lines]:
        end = -1
        for start, stop in highlights(text, terms):
            assert end < start < stop <= len(text)
            end = stop

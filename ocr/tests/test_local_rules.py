from __future__ import annotations

import pytest

from ocr.engine import CategoryChoice, Context, language_code
from ocr.local import language, rules

CLOSED = Context(
    (
        CategoryChoice("Fitness", "Workouts and training"),
        CategoryChoice("Money talk", "saving, investing and debt"),
        CategoryChoice("Kraków guides", ""),
    ),
    allow_new_categories=False,
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5 habits that changed my mornings", "en"),
        ("Speichere dir das für später", "de"),
        ("Ce que j'aurais aimé savoir à 20 ans", "fr"),
        ("¿Por qué nadie te dice esto?", "es"),
        ("Perché non riesci a dormire", "it"),
        ("Você não precisa de mais motivação", "pt"),
        ("Zo spaar je elke maand een beetje", "nl"),
        ("Jak nie marnować czasu", "pl"),
        ("Bu hataları yapmayın", "tr"),
        ("Điều tôi ước mình biết sớm hơn", "vi"),
        ("早上好，今天学什么", "zh"),
        ("農村の学校で", "ja"),
        ("베이징 차오양", "ko"),
        ("Славянские языки", "ru"),
        ("Це моя історія", "uk"),
        ("امروز هوا خوبه پس برویم", "fa"),
        ("Ωραίος καιρός σήμερα", "el"),
        ("วันนี้อากาศดี", "th"),
        ("12 / 34", ""),
        ("Matcha", ""),
        ("", ""),
    ],
)
def test_language_of_a_slide(text: str, code: str) -> None:
    assert language.detect(text) == code


def test_the_rest_of_the_post_decides_where_words_could_be_either() -> None:
    assert language.detect("come donde come la gente", "es") == "es"
    assert language.detect("save this for later and follow", "es") == "en"
    assert language.detect("Matcha", "nl") == "nl"
    assert language.detect("早上好", "nl") == "zh"


def test_language_does_not_depend_on_how_accents_are_encoded() -> None:
    assert language.detect("man\u0303ana") == language.detect("ma\u00f1ana") == "es"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-GB", "en"), ("PT_br", "pt"), ("und", ""), ("un", ""), ("", ""), ("english", "")],
)
def test_language_tags_are_reduced_to_the_language(tag: str, code: str) -> None:
    assert language_code(tag) == code


@pytest.mark.parametrize(
    ("text", "position", "count", "expected"),
    [
        ("Stop scrolling", 0, 5, "hook"),
        ("Follow me for more", 0, 5, "hook"),
        ("Only slide", 0, 1, "hook"),
        ("", 0, 5, "unknown"),
        ("", 4, 5, "unknown"),
        ("Drink water first", 2, 5, "content"),
        ("FOLLOW ME for part 2", 2, 5, "cta"),
        ("Save this for later", 3, 5, "cta"),
        ("How to save money", 2, 5, "content"),
        ("like, share, repost", 4, 5, "cta"),
        ("like, share, repost", 3, 5, "content"),
        ("Enregistre ce post", 3, 5, "cta"),
        ("Síguenos para más", 2, 5, "cta"),
        ("Und folge mir!", 2, 5, "cta"),
        ("Was probierst du?\nSchreib es in die Kommentare", 2, 5, "cta"),
        ("フォローしてね", 2, 5, "cta"),
        ("记得点赞收藏", 2, 5, "cta"),
        ("the following steps", 4, 5, "content"),
    ],
)
def test_slide_type(text: str, position: int, count: int, expected: str) -> None:
    assert rules.slide_type(text, position, count) == expected


def test_a_hashtag_names_the_category() -> None:
    name, confidence = rules.category("Day 3 #fitness #gymtok", ["Leg day"], CLOSED)
    assert name == "Fitness"
    assert confidence is not None
    assert 0 < confidence <= 0.6


def test_words_on_the_slides_name_the_category() -> None:
    texts = ["How I paid off my debt", "Start investing early", "Saving 300 a month"]
    assert rules.category("", texts, CLOSED)[0] == "Money talk"


def test_accents_do_not_hide_a_category() -> None:
    assert rules.category("3 days in #krakow", ["The best Krakow guides"], CLOSED)[0] == (
        "Kraków guides"
    )


def test_nothing_found_and_a_tie_are_unknown() -> None:
    assert rules.category("hello world", ["nothing to see"], CLOSED) == (None, None)
    assert rules.category("#fitness #krakow", [], CLOSED) == (None, None)


def test_a_topic_outside_the_list_is_named_only_where_that_is_allowed() -> None:
    caption = "Easy dinner #recipe #foodtok"
    assert rules.category(caption, [], CLOSED) == (None, None)
    assert rules.category(caption, [], Context(CLOSED.categories))[0] == "Food"


def test_a_listed_category_takes_its_topic_over() -> None:
    context = Context((CategoryChoice("Food & drinks"),))
    assert rules.category("Easy dinner #recipe", [], context)[0] == "Food & drinks"


@pytest.mark.parametrize(
    ("lines", "unread", "sentence"),
    [
        (0, 0, "Picture without text."),
        (1, 0, "Picture with 1 line of text."),
        (3, 0, "Picture with 3 lines of text."),
        (0, 1, "Picture with 1 line of text that the local reader can't read."),
        (2, 4, "Picture with 2 lines of text, and 4 more that the local reader can't read."),
    ],
)
def test_description_is_a_plain_fact(lines: int, unread: int, sentence: str) -> None:
    assert rules.description(lines, unread) == sentence

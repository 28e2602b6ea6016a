"""Thousands of seeded injuries to real answers: a typed error or a skipped item, never a crash.

And whatever survives is fit for the database: no NUL, no lone surrogate, no number out of range,
no naive time.
"""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tiktok.scraper import ScrapeError, answers, parse_page, parse_profile, parse_video
from tiktok.scraper.account import parse_balance, parse_daily_usage, parse_usage
from tiktok.tests.scraping import sample

ROUNDS = 400
PLACES = 12
REPLACEMENTS: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    10**40,
    -977433948,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "0",
    "-1",
    "statsV2",
    "1" * 5000,
    "\x00",
    "\ud800",
    "a\x00\udfffb",
    "🐝" * 50,
    "https://",
    "https://[",
    "https://p16.tiktokcdn.com/a~b.jpeg?x-expires=99999999999",
    "2026-01-01",
    "9999-12-31T23:59:59-23:59",
    [],
    [None],
    [[[]]],
    [{}],
    {},
    {"url_list": [None, 1, "https://p16.tiktokcdn.com/x"]},
    {"url_list": "https://p16.tiktokcdn.com/x", "uri": 5},
    {"\x00\ud800": "\x00"},
)


def places(value: object) -> Iterator[tuple[Any, Any]]:
    """Every container in ``value`` with a key or index into it."""
    keys: Any = ()
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = range(len(value))
    for key in keys:
        yield value, key
        yield from places(value[key])  # type: ignore[index]


def injured(answer: Any, chance: random.Random, relevant: Callable[[Any], bool]) -> Any:
    """A copy with up to a dozen values deleted, replaced, or put in one another's place."""
    hurt = copy.deepcopy(answer)
    spots = list(places(hurt))
    aimed = [spot for spot in spots if relevant(spot[1])] or spots
    for _ in range(chance.randint(1, PLACES)):
        container, key = chance.choice(aimed if chance.random() < 0.7 else spots)
        deed = chance.random()
        try:
            if deed < 0.3:
                del container[key]
            elif deed < 0.9:
                container[key] = copy.deepcopy(chance.choice(REPLACEMENTS))
            else:
                other, place = chance.choice(spots)
                container[key] = copy.deepcopy(other[place])
        except (KeyError, IndexError):
            continue  # an earlier deed took the place away
    return hurt


# Injuries go where they hurt: mostly to the keys that our models look at.
RELEVANT = frozenset(
    key
    for model in vars(answers).values()
    if isinstance(model, type) and issubclass(model, BaseModel)
    for key in model.model_fields
) | {"aweme_list", "aweme_detail", "statsV2", "transcript", "display_image", "hashtag_name"}


def check(value: object, path: str = "") -> None:
    """Fail on anything in our own objects that PostgreSQL or a reader couldn't take."""
    if dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            check(getattr(value, part.name), f"{path}.{part.name}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            check(item, f"{path}[{index}]")
    else:
        check_single(value, path)


def check_single(value: object, path: str) -> None:
    if isinstance(value, str):
        assert "\x00" not in value, path
        value.encode()  # a lone surrogate raises
    elif isinstance(value, datetime):
        assert value.tzinfo is UTC, path
        assert 2000 <= value.year < 2100, path
    elif isinstance(value, int):
        small = path.endswith((".width", ".height", ".duration_ms"))
        assert 0 <= value < (2**31 if small else 2**63), path
    else:
        assert value is None, (path, value)


CASES: list[tuple[str, Callable[[Any], object]]] = [
    ("sc/v3_tiktok_profile_videos.sampleResponse.json", parse_page),
    ("sc/v3_tiktok_profile_videos.trimmedResponse.json", parse_page),
    ("sc/v2_tiktok_video.sampleResponse.json", parse_video),
    ("profile_stoolpresidente.json", parse_profile),
]
SINGLE = [
    "CONSTRUCTED_photo_aweme_type150.json",
    "real_01_trending_photo_7540000301621841183.json",
    "real_02_trending_video_7540968798585670968.json",
    "real_12_search_top_multi_photo_7620673421353012494.json",
]


def survive(answer: Any, parse: Callable[[Any], object], seed: int) -> int:
    """How many of the injured copies were still read; the rest must end in a typed error."""
    read = 0
    codes = set()
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        hurt = injured(answer, chance, lambda key: key in RELEVANT)
        try:
            found = parse(hurt)
        except ScrapeError as error:
            codes.add(error.code)
            str(error).encode()
        else:
            check(found)
            read += 1
    assert codes <= {"malformed_answer", "not_found", "tiktok_error", "upstream_unavailable"}
    return read


@pytest.mark.parametrize(("name", "parse"), CASES)
def test_injured_answers(shared: Path, name: str, parse: Callable[[Any], object]) -> None:
    assert survive(sample(shared, name), parse, seed=20261122) > ROUNDS // 10


@pytest.mark.parametrize("name", SINGLE)
def test_an_injured_post_never_spoils_its_page(shared: Path, name: str) -> None:
    chance = random.Random(7)
    aweme = sample(shared, name)
    neighbour = aweme | {"aweme_id": "7540000301621841199"}
    kept = 0
    for _ in range(ROUNDS):
        hurt = injured(aweme, chance, lambda key: key in RELEVANT)
        page = parse_page({"success": True, "aweme_list": [hurt, neighbour]})
        check(page)
        assert "7540000301621841199" in {post.tiktok_id for post in page.posts}
        assert len(page.posts) + len(page.skipped) == 2
        kept += len(page.posts) == 2
    assert ROUNDS // 4 < kept < ROUNDS, "the injuries are too mild or too grave to show anything"


@pytest.mark.parametrize("value", [*REPLACEMENTS, object()])
def test_any_value_in_place_of_an_answer(value: object) -> None:
    for parse in (parse_page, parse_video, parse_profile, parse_balance):
        with pytest.raises(ScrapeError):
            parse(value)
    for listing in (parse_usage, parse_daily_usage):
        if isinstance(value, list):
            assert len(listing(value)) <= len(value)
        else:
            with pytest.raises(ScrapeError):
                listing(value)


@pytest.mark.parametrize("value", REPLACEMENTS)
@pytest.mark.parametrize("field", ["creditCount", "user", "aweme_list", "aweme_detail"])
def test_any_value_in_place_of_the_content(field: str, value: object) -> None:
    parsers: dict[str, Callable[[object], object]] = {
        "creditCount": parse_balance,
        "user": parse_profile,
        "aweme_list": parse_page,
        "aweme_detail": parse_video,
    }
    try:
        found = parsers[field]({"success": True, field: value})
    except ScrapeError:
        return
    assert field in ("creditCount", "aweme_list")
    check(found)

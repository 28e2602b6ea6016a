from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ocr.gemini import PRICES, GeminiConfig, GeminiEngine, Price
from ocr.gemini.prices import price_of
from ocr.gemini.progress import shares
from ocr.tests.gemini.posts import CONTEXT, post
from ocr.tests.gemini.scripted import ScriptedGemini

NOVEMBER, DECEMBER = date(2026, 11, 22), date(2026, 12, 1)


def test_cost_counts_millions_of_tokens() -> None:
    price = price_of("gemini-3.1-flash-lite", NOVEMBER)
    assert price.cost(1_000_000, 100_000) == Decimal("0.40")
    assert price.cost(1_000_000, 100_000, batch=True) == Decimal("0.205")


def test_batch_is_half_where_no_price_is_given() -> None:
    price = price_of("gemini-3.5-flash-lite", NOVEMBER)
    assert price.cost(2_000, 300, batch=True) == price.cost(2_000, 300) / 2


@pytest.mark.parametrize(
    ("model", "day", "dollars"),
    [
        ("gemini-4-argon", NOVEMBER, "2"),
        ("gemini-4-argon", DECEMBER, "4"),
        ("models/gemini-4-argon-001", DECEMBER, "4"),
        ("gemini-3.5-flash-lite-preview", NOVEMBER, "0.30"),
        ("gemini-3.8-flash", date(2027, 1, 1), "1.50"),
    ],
)
def test_prices_follow_model_and_day(model: str, day: date, dollars: str) -> None:
    assert price_of(model, day).input == Decimal(dollars)


def test_an_unknown_model_is_counted_at_the_dearest_price(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert price_of("gemini-7", DECEMBER).output == Decimal(20)
    assert "gemini-7" in caplog.text


def test_every_price_list_has_a_last_entry_without_an_end() -> None:
    assert all(steps[-1][0] == date.max for steps in PRICES.values())


@pytest.mark.parametrize(
    ("total", "weights"), [(10, [1, 1, 1]), (7, [0, 5, 2]), (3, [0, 0]), (0, [4]), (1, [3, 3, 3])]
)
def test_shares_add_up_to_the_whole(total: int, weights: list[int]) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)


def test_tokens_and_cost_are_shared_out_to_the_last_one(
    gemini: ScriptedGemini, config: GeminiConfig
) -> None:
    posts = [post(gemini, "a", 1), post(gemini, "b", 2), post(gemini, "c", 4)]
    priced = replace(config, price=Price(Decimal(1), Decimal(10)))
    results = GeminiEngine(priced).read(posts, CONTEXT)
    assert sum(result.input_tokens for result in results) == 1000
    assert sum(result.output_tokens for result in results) == 100
    assert sum(result.cost_usd for result in results) == Decimal("0.002")
    assert results[0].input_tokens < results[1].input_tokens < results[2].input_tokens

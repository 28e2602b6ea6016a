"""Quotas, keys, models, places: how long to wait, or which variable to look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from carousel.lib.errors import NotNow, UpstreamError
from ocr.gemini import GeminiConfig, GeminiEngine
from ocr.gemini.failures import seconds_until_reset
from ocr.tests.gemini.posts import CONTEXT, failure, full, post, texts
from ocr.tests.gemini.scripted import Play, Response, ScriptedGemini, always, refuse

PER_DAY = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "250"}


def quota(*details: dict[str, Any], message: str = "You exceeded your quota") -> Play:
    return lambda request: refuse(429, "RESOURCE_EXHAUSTED", message, *(dict(d) for d in details))


@pytest.mark.parametrize(
    ("details", "message", "wait"),
    [
        ([{"@type": "RetryInfo", "retryDelay": "46s"}], "", 46.0),
        ([{"@type": "RetryInfo", "retryDelay": "46.25s"}], "", 46.25),
        ([{"@type": "RetryInfo", "retryDelay": "0s"}], "", 1.0),
        ([], "Please retry in 12.5s.", 12.5),
        ([], "slow down", 60.0),
        ([{"@type": "RetryInfo"}], "", 60.0),
    ],
)
def test_a_quota_says_how_long_to_wait(
    gemini: ScriptedGemini,
    engine: GeminiEngine,
    details: list[dict[str, Any]],
    message: str,
    wait: float,
) -> None:
    gemini.then(quota(*details, message=message))
    with pytest.raises(NotNow) as caught:
        engine.read([post(gemini, "a", 2)], CONTEXT)
    assert caught.value.wait == wait
    assert len(gemini.requests) == 1


def test_a_retry_after_header_is_honoured(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    gemini.then(always(refuse(429, "RESOURCE_EXHAUSTED", "slow", retry_after="9")))
    with pytest.raises(NotNow) as caught:
        engine.read([post(gemini, "a", 1)], CONTEXT)
    assert caught.value.wait == 9.0


def test_a_daily_quota_waits_for_midnight_in_california(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    gemini.then(
        quota(
            {"@type": "QuotaFailure", "violations": [PER_DAY]},
            {"@type": "RetryInfo", "retryDelay": "46s"},
        )
    )
    with pytest.raises(NotNow, match="daily quota") as caught:
        engine.read([post(gemini, "a", 1)], CONTEXT)
    assert caught.value.wait == pytest.approx(seconds_until_reset(datetime.now(UTC)), abs=60)


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 1, 15, 7, 0, tzinfo=UTC), 1),  # 23:00 the evening before, winter time
        (datetime(2026, 7, 15, 7, 0, tzinfo=UTC), 24),  # midnight exactly, summer time
        (datetime(2026, 3, 8, 8, 30, tzinfo=UTC), 22.5),  # a day of 23 hours
        (datetime(2026, 11, 1, 7, 30, tzinfo=UTC), 24.5),  # a day of 25 hours
    ],
)
def test_the_day_ends_in_california(now: datetime, hours: float) -> None:
    assert seconds_until_reset(now) == hours * 3600


@pytest.mark.parametrize(
    "play",
    [
        quota(message="Quota exceeded for metric: free_tier_requests, limit: 0, model: x"),
        quota({"@type": "QuotaFailure", "violations": [PER_DAY | {"quotaValue": "0"}]}),
    ],
)
def test_no_quota_at_all_is_final(gemini: ScriptedGemini, engine: GeminiEngine, play: Play) -> None:
    error = failure(gemini, engine, play)
    assert (error.code, error.retryable) == ("quota_zero", False)
    assert "GEMINI_MODEL" in str(error)


def test_a_limit_that_begins_with_zero_is_not_zero(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    gemini.then(quota(message="limit: 0.5, model: x"))
    with pytest.raises(NotNow):
        engine.read([post(gemini, "a", 1)], CONTEXT)


def test_a_quota_in_the_middle_keeps_what_was_read(
    gemini: ScriptedGemini, config: GeminiConfig
) -> None:
    posts = [post(gemini, key, 2) for key in ("a", "b", "c")]
    one_each = GeminiEngine(replace(config, max_posts_per_request=1))
    incomplete = gemini.tell(lambda answer: answer["posts"][0]["slides"].pop() and None)
    gemini.then(incomplete, quota({"@type": "RetryInfo", "retryDelay": "30s"}))
    first, second, third = one_each.read(posts, CONTEXT)
    assert texts(first) == full(posts[0], 1)
    for result in (first, second, third):
        assert isinstance(result.error, NotNow)
        assert result.error.wait == 30.0
    assert first.input_tokens == 1000
    assert len(gemini.requests) == 2


# Keys, models, places


@pytest.mark.parametrize(
    "response",
    [
        refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        refuse(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers"),
        refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        refuse(
            400, "INVALID_ARGUMENT", "Bad.", {"@type": "ErrorInfo", "reason": "API_KEY_INVALID"}
        ),
        refuse(400, "INVALID_ARGUMENT", "API key expired: test-key"),
    ],
    ids=["401", "403", "400", "400-info", "400-expired"],
)
def test_a_wrong_key_names_the_variable(
    gemini: ScriptedGemini, engine: GeminiEngine, response: Response
) -> None:
    error = failure(gemini, engine, always(response))
    assert (error.code, error.retryable) == ("invalid_key", False)
    assert "GEMINI_API_KEY" in str(error)
    assert len(gemini.requests) == 1


def test_a_key_that_can_be_none_is_not_sent(gemini: ScriptedGemini, config: GeminiConfig) -> None:
    spoilt = GeminiEngine(replace(config, api_key="secret\nkey"))
    with pytest.raises(UpstreamError, match="GEMINI_API_KEY") as caught:
        spoilt.read([post(gemini, "a", 1)], CONTEXT)
    assert caught.value.code == "invalid_key"
    assert "secret" not in str(caught.value)
    assert not gemini.requests


def test_a_retired_model_names_the_variable(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    error = failure(gemini, engine, always(refuse(404, "NOT_FOUND", "model is not found")))
    assert (error.code, error.retryable) == ("model_not_found", False)
    assert "GEMINI_MODEL" in str(error)


def test_a_place_that_is_not_served_is_final(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    refusal = refuse(400, "FAILED_PRECONDITION", "User location is not supported.")
    error = failure(gemini, engine, always(refusal))
    assert (error.code, error.retryable) == ("failed_precondition", False)

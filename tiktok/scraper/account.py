"""Read what ScrapeCreators says of our account: credits left, calls made. Pure, like ``parse``."""

from __future__ import annotations

from tiktok.scraper import answers, values
from tiktok.scraper.errors import failure
from tiktok.scraper.parse import open_answer
from tiktok.scraper.schemas import DailyUsage, UsageRow


def parse_balance(answer: object) -> int:
    """Credits left, from ``{"creditCount": 333}``. Raises ``ScrapeError``."""
    body, _ = open_answer(answer, "credit balance")
    found = values.count(body.get("creditCount"))
    if found is None:
        raise failure("malformed_answer", "credit balance", detail="creditCount is missing")
    return found


def parse_usage(answer: object) -> list[UsageRow]:
    """The provider's list of calls; rows that aren't objects are left out. Raises ScrapeError."""
    rows = (answers.Usage.read(item) for item in _rows(answer, "API usage"))
    return [
        UsageRow(
            id=row.id,
            endpoint=row.endpoint,
            status_code=row.status_code,
            duration_ms=row.duration_ms,
            success=row.success,
            credits=row.credits,
            requested_at=row.request_time,
            method=row.http_method,
            payload=_payload(row.request_payload),
        )
        for row in rows
        if row
    ]


def _payload(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {values.clean(str(key)): values.clean(str(item)) for key, item in value.items()}


def parse_daily_usage(answer: object) -> list[DailyUsage]:
    """Credits and calls per day; rows without a day are left out. Raises ``ScrapeError``."""
    rows = (answers.Day.read(item) for item in _rows(answer, "daily usage"))
    return [
        DailyUsage(row.usage_date, row.total_credits or 0, row.request_count or 0)
        for row in rows
        if row and row.usage_date
    ]


def _rows(answer: object, what: str) -> list[object]:
    if isinstance(answer, list):
        return answer
    open_answer(answer, what)  # raises what an error body says
    raise failure("malformed_answer", what, detail="not a list")

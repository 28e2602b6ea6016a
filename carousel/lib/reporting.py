"""What is being worked on right now, for logs and for Sentry.

Log lines written while a job runs carry its names without any caller having to pass them. Errors
go to Sentry with the same names, once each. Without Sentry (no DSN) reporting costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

import sentry_sdk

from carousel.lib.errors import UpstreamError

if TYPE_CHECKING:  # models can't be imported yet where logging is set up
    from carousel.lib.work import Work

_NAMED_ROWS = 10  # in a log line; a bundle may be larger
_job: ContextVar[Mapping[str, str]] = ContextVar("carousel_job", default=MappingProxyType({}))


def job_fields() -> Mapping[str, str]:
    """Names of the job in hand: ``task``, ``task_id``, ``queue``, ``model``, ``rows``."""
    return _job.get()


def set_job(**fields: str) -> None:
    """Name the job that this thread works on from now on; no fields: none."""
    _job.set(MappingProxyType(fields))


@contextlib.contextmanager
def working_on(rows: Sequence[Work]) -> Iterator[None]:
    """Everything logged or reported inside the block names these rows (all of one model)."""
    model, ids = rows[0]._meta.label, [str(row.pk) for row in rows]
    shown = ",".join(ids[:_NAMED_ROWS]) + (f"+{len(ids) - _NAMED_ROWS}" if len(ids) > 10 else "")
    token = _job.set(
        MappingProxyType({"queue": rows[0].QUEUE, **_job.get(), "model": model, "rows": shown})
    )
    try:
        with sentry_sdk.isolation_scope() as scope:
            scope.set_tag("queue", rows[0].QUEUE)
            scope.set_tag("row.model", model)
            if len(ids) == 1:
                scope.set_tag("row.id", ids[0])
            scope.set_context("rows", {"model": model, "count": len(ids), "ids": ids[:50]})
            yield
    finally:
        _job.reset(token)


def report(exc: BaseException) -> None:
    """Tell Sentry about an exception that is handled here or will be raised far from its job."""
    sentry_sdk.capture_exception(exc)
    with contextlib.suppress(AttributeError):  # an exception with __slots__
        exc.__dict__["_was_reported"] = True


def was_reported(exc: BaseException) -> bool:
    """Whether ``report`` has sent it, so that whoever meets it later need not."""
    return bool(getattr(exc, "_was_reported", False))


def report_ending(row: Work, exc: UpstreamError) -> None:
    """Tell Sentry why a row ended as failed, where that says something about us.

    Most of what other services answer does not; a file that we could not convert may.
    """
    if not exc.report:
        return
    with sentry_sdk.new_scope() as scope:
        area = row.QUEUE.partition("-")[0]
        scope.set_tag(f"{area}.error_code", exc.code)
        scope.set_tag("row.id", str(row.pk))
        scope.set_context("row", {"id": str(row.pk), "attempts": row.attempts, "what": str(row)})
        report(exc)

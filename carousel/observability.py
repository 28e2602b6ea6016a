"""What the system tells about itself: logs for people and machines, errors for Sentry.

Sentry is told about bugs, lost workers and files that we could not convert; what an outside
service answered is on the row and in the admin. Nothing that leaves the process carries a secret
(``carousel.lib.redaction``), a local variable, a request body, a cookie or an address of a person.
"""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sentry_sdk
from celery import signals
from django.conf import settings
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger

from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.redaction import configured_redactor
from carousel.lib.reporting import job_fields, set_job, was_reported

if TYPE_CHECKING:
    from celery import Task
    from sentry_sdk._types import Event, Hint

FLUSH_SECONDS = 3.0
QUIET = (
    *("django.server", "urllib3", "botocore", "boto3", "s3transfer", "PIL", "RapidOCR"),
    "celery.app.trace",
)
# `data` is Celery's: it repeats message, traceback and arguments.
_NOT_EXTRA = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "data"}


# --- Logs ----------------------------------------------------------------------------------


def logging_config(level: str, format: str) -> dict[str, Any]:
    """Django's ``LOGGING``: one handler to standard error, in ``text`` or ``json``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "carousel.observability.TextFormatter"},
            "json": {"()": "carousel.observability.JsonFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": format}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would write each line a second time.
            "django": {"handlers": [], "level": level, "propagate": True},
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }


class TextFormatter(logging.Formatter):
    """One line for people, with the job's names at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line, _, traceback = super().format(record).partition("\n")
        job = " ".join(f"{name}={value}" for name, value in job_fields().items())
        whole = f"{line} [{job}]" if job else line
        return configured_redactor().text(f"{whole}\n{traceback}" if traceback else whole)


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **job_fields(),
        }
        for name, value in record.__dict__.items():  # what was given as `extra`
            if name not in _NOT_EXTRA:
                entry.setdefault(name, value)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(configured_redactor().data(entry), ensure_ascii=False)


def configure_logging(**_: object) -> None:
    """Celery's turn to set up logs: with ours, and it leaves them alone."""
    logging.config.dictConfig(settings.LOGGING)


# --- Sentry --------------------------------------------------------------------------------


def start_sentry(**_: object) -> bool:
    """Begin to report errors, where SENTRY_DSN is set. Safe to call again, as after a fork.

    What identifies a person is not collected: that is what the SDK does unless told otherwise.
    """
    if not settings.SENTRY_DSN:
        return False
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=settings.SENTRY_RELEASE,
        sample_rate=settings.SENTRY_SAMPLE_RATE,
        traces_sample_rate=settings.SENTRY_TRACES_SAMPLE_RATE or None,
        include_local_variables=False,
        max_request_body_size="never",
        auto_session_tracking=False,
        shutdown_timeout=FLUSH_SECONDS,
        before_send=before_send,
        before_send_transaction=before_send_transaction,
        integrations=[
            CeleryIntegration(propagate_traces=settings.SENTRY_TRACES_SAMPLE_RATE > 0),
            DjangoIntegration(),
            LoggingIntegration(level=logging.INFO, event_level=logging.ERROR),
        ],
    )
    # It repeats, without the job's names, what task_failure tells below.
    ignore_logger("celery.worker.request")
    return True


def before_send(event: Event, hint: Hint) -> Event | None:
    """Drop what is no error of ours or was sent before; take secrets out of the rest."""
    exc = (hint.get("exc_info") or (None, None, None))[1]
    if exc is not None and (was_reported(exc) or _is_no_error(exc)):
        return None
    return _without_secrets(event)


def before_send_transaction(event: Event, hint: Hint) -> Event | None:
    """Take secrets out of a trace."""
    return _without_secrets(event)


def _is_no_error(exc: BaseException) -> bool:
    """An ending that the row tells in its own words."""
    return isinstance(exc, NotNow) or (isinstance(exc, UpstreamError) and not exc.report)


def _without_secrets(event: Event) -> Event:
    clean: Event = configured_redactor().data(event)
    for name in ("timestamp", "start_timestamp"):  # Sentry wants its own notation
        if name in event:
            clean[name] = event[name]
    clean.pop("user", None)
    return clean


def flush(**_: object) -> None:
    """Send what is still waiting, within a few seconds."""
    sentry_sdk.flush(FLUSH_SECONDS)


# --- Celery --------------------------------------------------------------------------------


def name_job(task_id: str, task: Task[..., Any], **_: object) -> None:
    """A task begins: its names go into every log line and event."""
    queue = (task.request.delivery_info or {}).get("routing_key") or ""
    set_job(queue=queue, task=task.name, task_id=task_id)
    scope = sentry_sdk.get_isolation_scope()
    scope.set_tags({"queue": queue, "task": task.name, "task_id": task_id})
    ids = [str(pk) for argument in task.request.args or () for pk in _listed(argument)]
    scope.set_context("job", {"queue": queue, "task": task.name, "id": task_id, "rows": ids[:50]})


def forget_job(**_: object) -> None:
    """A task has ended."""
    set_job()


def report_lost_job(
    sender: Task[..., Any], task_id: str, exception: BaseException, args: Any = (), **_: object
) -> None:
    """Report what the child that ran the task can't: that it was killed, or out of time."""
    if type(exception).__name__ not in ("WorkerLostError", "TimeLimitExceeded", "Terminated"):
        return  # an ordinary failure, reported where it happened
    with sentry_sdk.new_scope() as scope:
        scope.set_tags({"task": sender.name, "task_id": task_id, "lost": True})
        ids = [str(pk) for argument in args or () for pk in _listed(argument)]
        scope.set_context("job", {"task": sender.name, "id": task_id, "rows": ids[:50]})
        sentry_sdk.capture_exception(exception)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def watch_celery() -> None:
    """Hook logs and Sentry to Celery's signals. Called where the app is made."""
    hooks: list[tuple[Any, Callable[..., Any]]] = [
        (signals.setup_logging, configure_logging),
        (signals.celeryd_init, start_sentry),
        (signals.beat_init, start_sentry),
        (signals.worker_process_init, start_sentry),
        (signals.task_prerun, name_job),
        (signals.task_postrun, forget_job),
        (signals.task_failure, report_lost_job),
        (signals.worker_process_shutdown, flush),
        (signals.worker_shutdown, flush),
    ]
    for signal, receiver in hooks:
        signal.connect(receiver, weak=False, dispatch_uid=f"carousel.{receiver.__name__}")

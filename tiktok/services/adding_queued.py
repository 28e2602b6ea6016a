"""Add many profiles in the background, behind everything that somebody waits for.

One row per handle, so each is retried, shown and paid for by itself. Calls that the budget or a
pause holds back cost the row nothing: it waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from carousel.lib.drain import Flow, wake
from carousel.lib.ids import uuid7
from carousel.lib.work import Priority
from tiktok.models import ProfileImport
from tiktok.scraper.errors import ScrapeError
from tiktok.services.adding import add_profile
from tiktok.services.gate import GATE_WAIT, HOLDING
from tiktok.services.runs import set_monitoring

OPEN = """
INSERT INTO tiktok_profileimport
    (id, handle, is_own_profile, monitoring, status, priority, attempts, error, error_code)
SELECT id, handle, %(own)s, %(monitoring)s, 'pending', %(priority)s, 0, '', ''
FROM unnest(%(ids)s::uuid[], %(handles)s::text[]) AS fresh (id, handle)
ORDER BY id
ON CONFLICT DO NOTHING
RETURNING id
"""


def queue_profiles(
    handles: Sequence[str],
    *,
    is_own_profile: bool = False,
    monitoring: bool | None = None,
    priority: Priority = Priority.BACKLOG,
) -> list[UUID]:
    """Have these accounts added by the workers, in their order; returns the rows that are new.

    ``handles`` are as ``parse_handle`` gives them. One that is queued already is left as it is.
    ``monitoring`` switches it on or off where given. One statement.
    """
    params: dict[str, Any] = {
        "ids": [uuid7() for _ in handles],
        "handles": list(handles),
        "own": is_own_profile,
        "monitoring": monitoring,
        "priority": priority.value,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OPEN, params)
        opened = [pk for (pk,) in cursor.fetchall()]
        wake(ProfileImport, opened)
    return opened


def add_queued(rows: list[ProfileImport]) -> None:
    """The step of the flow. Raises NotNow and ScrapeError, which end the row as they should."""
    for row in rows:
        try:
            added = add_profile(
                row.handle, is_own_profile=row.is_own_profile, priority=Priority(row.priority)
            )
        except ScrapeError as exc:
            if exc.code not in HOLDING:
                raise
            row.postpone(exc.retry_after or GATE_WAIT, str(exc), error_code=exc.code)
            continue
        if row.monitoring is not None:
            set_monitoring([added.profile.pk], enabled=row.monitoring)
        row.finish(profile=added.profile)


IMPORT_FLOW = Flow(ProfileImport, add_queued, lanes=2)

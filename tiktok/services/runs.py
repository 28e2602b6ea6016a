"""When a profile is looked at: on schedule, or because a person asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import DurationField, F, Func, QuerySet, Value
from django.db.models.functions import Now

from carousel.lib import faults
from carousel.lib.drain import wake
from carousel.lib.ids import uuid7
from carousel.lib.work import Priority, Status
from tiktok.models import (
    UNFINISHED,
    ProfileMonitoringLog,
    Schedule,
    TikTokProfile,
    Trigger,
)
from tiktok.services.scheduling import schedule_params

# Who plans a profile holds its row until its next time is written, and others pass it by; the
# constraint of one open run per profile stands behind that. What is planned for an adaptive profile
# holds until its run has ended and chosen anew; between looks at all pages its runs ask only for
# the first page, which tells the account's numbers too. Times are spread by a twentieth
# either way, so that profiles enabled together drift apart.
PLAN = """
WITH due AS MATERIALIZED (
    SELECT id, monitoring_schedule = 'adaptive'
        OR (monitoring_schedule = '' AND %(adaptive)s) AS adaptive
    FROM tiktok_tiktokprofile
    WHERE monitoring_enabled AND next_monitoring_run <= statement_timestamp()
    ORDER BY next_monitoring_run LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
),
planned AS (
    UPDATE tiktok_tiktokprofile AS profile SET
        next_monitoring_run = statement_timestamp() + interval '1 minute' * (0.95 + random() / 10)
            * CASE WHEN adaptive THEN coalesce(profile.planned_interval_minutes,
                                               profile.monitoring_interval_minutes)
                   ELSE profile.monitoring_interval_minutes END
    FROM due WHERE profile.id = due.id
    RETURNING profile.id, adaptive AND profile.handle <> '' AND profile.misses = 0
        AND NOT profile.private AS familiar,
        profile.history_complete AND coalesce(profile.all_pages_at > statement_timestamp()
            - CASE WHEN adaptive THEN %(adaptive_stale)s ELSE %(stale)s END, false) AS known
)
INSERT INTO tiktok_profilemonitoringlog
    (id, profile_id, trigger, status, priority, attempts, error, error_code, force_recache,
     profile_fetched, every_page, cursor, region, pages_scraped, posts_scraped, posts_created,
     posts_updated, items_skipped, stop_reason, is_partial, credits_charged)
SELECT gen_random_uuid(), id, 'scheduled', 'pending', %(priority)s, 0, '', '', false,
       known AND familiar, NOT known, '', '', 0, 0, 0, 0, 0, '', true, 0
FROM planned
ON CONFLICT (profile_id) WHERE status IN ('blocked', 'pending', 'running') DO NOTHING
RETURNING id
"""


ONE_INTERVAL = Func(
    *(Value(0) for _ in range(5)),  # years, months, weeks, days, hours
    F("monitoring_interval_minutes"),
    function="make_interval",
    output_field=DurationField(),
)


@dataclass(frozen=True, slots=True)
class MonitoringChange:
    """``updated_count`` profiles have the wanted state now; ``not_found`` ids have no profile."""

    updated_count: int
    not_found: list[str]


def plan_due_runs(limit: int = 1000) -> int:
    """Give every profile that is due a run, and its next time. Returns how many runs.

    Any number of planners may do so at once: no run is doubled. A profile whose last run is
    still open gets none, and is due again an interval later.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        params = {"limit": limit, "priority": Priority.SCHEDULE, **schedule_params()}
        cursor.execute(PLAN, params)
        ids = [pk for (pk,) in cursor.fetchall()]
        if ids:
            transaction.on_commit(lambda: faults.point("planning.committed"))
        wake(ProfileMonitoringLog, ids)
    return len(ids)


def trigger_run(
    profile: TikTokProfile, *, trigger: Trigger, force_recache: bool = False
) -> tuple[ProfileMonitoringLog, bool]:
    """Open a run, and say whether it is new. What a person triggers goes ahead of the schedule.

    Where one is open already that one is returned: it moves to the front, and takes on
    ``force_recache`` if it has not begun.
    """
    fresh = ProfileMonitoringLog(
        id=uuid7(),
        profile=profile,
        trigger=trigger,
        priority=Priority.SCHEDULE if trigger == Trigger.SCHEDULED else Priority.PERSON,
        force_recache=force_recache,
        every_page=trigger != Trigger.SCHEDULED or force_recache or not profile.history_complete,
    )
    with transaction.atomic():
        run = open_run(fresh)
        if run.pk != fresh.pk and trigger != Trigger.SCHEDULED:
            _hurry(run, force_recache=force_recache)
        wake(ProfileMonitoringLog, [run.pk])
    return ProfileMonitoringLog.objects.get(pk=run.pk), run.pk == fresh.pk


def open_run(fresh: ProfileMonitoringLog) -> ProfileMonitoringLog:
    """Insert the run, or return the one that is open for its profile.

    Raises TikTokProfile.DoesNotExist if the profile was deleted meanwhile.
    """
    while True:
        # Holding the profile, no planner and nobody else opens or deletes anything beside us.
        TikTokProfile.objects.select_for_update(no_key=True).only("pk").get(pk=fresh.profile_id)
        is_open = ProfileMonitoringLog.objects.filter(
            profile_id=fresh.profile_id, status__in=UNFINISHED
        ).first()
        if is_open:
            return is_open
        ProfileMonitoringLog.objects.bulk_create([fresh], ignore_conflicts=True)
        if ProfileMonitoringLog.objects.filter(pk=fresh.pk).exists():
            return fresh


def _hurry(run: ProfileMonitoringLog, *, force_recache: bool) -> None:
    """A person waits for it now."""
    waiting = ProfileMonitoringLog.objects.filter(pk=run.pk, status=Status.PENDING)
    if run.error_code != "rate_limited":
        waiting.update(priority=Priority.PERSON, run_after=Now())
    if force_recache:
        waiting.filter(pages_scraped=0).update(force_recache=True, every_page=True)


def set_monitoring(
    profile_ids: Sequence[str | UUID],
    *,
    enabled: bool,
    interval_minutes: int | None = None,
    schedule: Schedule | None = None,
) -> MonitoringChange:
    """Switch monitoring on or off, and set the interval or the kind of schedule where given.

    A profile whose interval is set keeps exactly that, unless ``schedule`` says otherwise.
    Switching on, or another interval, plans the first run one interval ahead; a profile that is
    on already keeps its time.
    """
    wanted = {str(pk): _as_uuid(pk) for pk in profile_ids}
    found = set(
        TikTokProfile.objects.filter(pk__in=list(filter(None, wanted.values()))).values_list(
            "pk", flat=True
        )
    )
    with transaction.atomic():
        profiles = TikTokProfile.objects.filter(pk__in=_locked(found))
        if interval_minutes is not None:
            _set_interval(profiles, interval_minutes)
            schedule = schedule or Schedule.FIXED
        if schedule is not None:
            profiles.update(monitoring_schedule=schedule)
        if enabled:
            profiles.filter(next_monitoring_run=None).update(
                next_monitoring_run=Now() + ONE_INTERVAL
            )
            profiles.update(monitoring_enabled=True, updated_at=Now())
        else:
            profiles.update(monitoring_enabled=False, next_monitoring_run=None, updated_at=Now())
    return MonitoringChange(len(found), [text for text, pk in wanted.items() if pk not in found])


def _set_interval(profiles: QuerySet[TikTokProfile], minutes: int) -> None:
    """Another interval begins to count now."""
    profiles.exclude(monitoring_interval_minutes=minutes).update(
        monitoring_interval_minutes=minutes, next_monitoring_run=None
    )


def _locked(ids: Iterable[UUID]) -> list[UUID]:
    """Lock these profiles in the one order."""
    rows = TikTokProfile.objects.filter(pk__in=list(ids)).order_by("pk")
    return list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def _as_uuid(text: str | UUID) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None

"""Compare what the rows say with what the storage holds, and mend what can be mended.

Both are read in one order, page by page, so memory stays the same with any number of objects.
Whatever looks wrong is looked at once more by itself before it is counted: workers store and
delete meanwhile.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import IO
from uuid import UUID

from django.db.models import Q

from carousel.lib.drain import wake
from carousel.lib.stopping import stopping
from carousel.lib.work import Priority, Status
from media_cache.models import CacheAsset, ReleasedObject
from media_cache.services.objects import BATCH, pointed_to, release, remove_released
from media_cache.storage import StoredObject, media_storage

PAGE = 2000  # rows
EXAMPLES = 20  # problems that are told by name
REPAIR = "repair"  # the code of rows whose object is being cleared away, so as to be fetched again
ADDRESS = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})\.[a-z0-9]+")
UNFINISHED = timedelta(days=1)  # an upload that was begun so long ago has no worker any more


@dataclass(frozen=True, slots=True)
class Options:
    """``deep``: read every object and compare its checksum. ``repair``: mend what is found.

    An object without a row is orphaned once it is older than ``grace``. ``most_orphans`` is the
    share of all objects beyond which orphans are left alone, as that looks like somebody else's
    bucket.
    """

    deep: bool = False
    repair: bool = False
    grace: timedelta = timedelta(hours=1)
    most_orphans: float = 0.5


@dataclass
class Report:
    """What was found; sizes in bytes. ``foreign`` objects have names that we never give."""

    objects: int = 0
    bytes: int = 0
    rows: int = 0
    missing: int = 0
    wrong_size: int = 0
    wrong_checksum: int = 0
    orphaned: int = 0
    orphaned_bytes: int = 0
    foreign: int = 0
    unfinished_uploads: int = 0
    requeued: int = 0
    sizes_fixed: int = 0
    orphans_removed: int = 0
    too_many_orphans: bool = False
    examples: list[str] = field(default_factory=list)

    @property
    def problems(self) -> int:
        """Objects and rows that are not as they should be."""
        return self.missing + self.wrong_size + self.wrong_checksum + self.orphaned

    def example(self, problem: str, key: str) -> None:
        """Remember one by name, if there is room."""
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{problem}: {key}")


@dataclass(frozen=True, slots=True)
class _Row:
    pk: UUID
    storage_key: str
    byte_size: int | None


Show = Callable[[Report], None]
Pair = tuple[str, StoredObject | None, list[_Row]]


def check_media(options: Options, show: Show) -> Report:
    """Go through everything; ``show`` is called all along. Ends early when asked to stop.

    Raises NotNow if the storage can't be read.
    """
    report = Report()
    with tempfile.TemporaryFile("w+") as orphans:
        strays: list[StoredObject] = []
        absent: list[str] = []
        for key, found, rows in _side_by_side(media_storage().listing(), _rows(), report):
            if found is None:
                absent.append(key)
            elif not rows:
                strays.append(found)
            else:
                _compare(found, rows, report, options)
            if max(len(strays), len(absent)) >= BATCH:
                _look_at_strays(strays, orphans, report, options)
                _look_at_absent(absent, report, options)
                strays, absent = [], []
            show(report)
            if stopping():
                break
        _look_at_strays(strays, orphans, report, options)
        _look_at_absent(absent, report, options)
        before = datetime.now(UTC) - UNFINISHED
        report.unfinished_uploads = media_storage().leftovers(before, remove=options.repair)
        if options.repair:
            _remove_orphans(orphans, report, options)
            report.requeued += _fetch_again()
    return report


def _rows() -> Iterator[_Row]:
    """Rows with a copy, in the order of the hash that their key is made of."""
    rows = CacheAsset.objects.exclude(sha256="").exclude(storage_key="").order_by("sha256", "pk")
    last: tuple[str, UUID] | None = None
    while True:
        after = Q() if last is None else Q(sha256__gt=last[0]) | Q(sha256=last[0], pk__gt=last[1])
        start = rows if last is None else rows.filter(sha256__gte=last[0])
        page = list(
            start.filter(after).values_list("sha256", "pk", "storage_key", "byte_size")[:PAGE]
        )
        for _, pk, key, size in page:
            yield _Row(pk, key, size)
        if len(page) < PAGE:
            return
        last = page[-1][:2]


def _side_by_side(
    objects: Iterable[StoredObject], rows: Iterable[_Row], report: Report
) -> Iterator[Pair]:
    """Each key with its object and its rows, or one of the two."""
    grouped = ((key, list(some)) for key, some in groupby(rows, lambda row: row.storage_key))
    listed, pointing = iter(objects), iter(grouped)
    found, group = next(listed, None), next(pointing, None)
    while found is not None or group is not None:
        first = min(each for each in (found and found.key, group and group[0]) if each)
        here = found if found is not None and found.key == first else None
        there = group[1] if group is not None and group[0] == first else []
        if here is not None:
            report.objects, report.bytes = report.objects + 1, report.bytes + here.size
            found = next(listed, None)
        if there:
            report.rows += len(there)
            group = next(pointing, None)
        yield first, here, there


def _pointing(keys: Sequence[str]) -> dict[str, list[_Row]]:
    """Rows that point to these now, by key."""
    matches = [match for match in map(ADDRESS.fullmatch, keys) if match]
    rows = CacheAsset.objects.filter(
        sha256__in=[match[2] for match in matches], storage_key__in=[match[0] for match in matches]
    )
    found: dict[str, list[_Row]] = {}
    for row in rows.values_list("pk", "storage_key", "byte_size"):
        found.setdefault(row[1], []).append(_Row(*row))
    return found


def _look_at_absent(keys: Sequence[str], report: Report, options: Options) -> None:
    """Objects that were not listed where their turn was, and that rows point to."""
    lost = [key for key in _pointing(keys) if media_storage().stat(key) is None]
    for key in lost:
        report.example("missing", key)
    pointing = _pointing(lost)  # what has been deleted meanwhile may be missing
    report.missing += sum(map(len, pointing.values()))
    if options.repair:
        _give_up_copies(pointing)


def _compare(found: StoredObject, rows: Sequence[_Row], report: Report, options: Options) -> None:
    if any(row.byte_size != found.size for row in rows):
        now = media_storage().stat(found.key)
        rows = _pointing([found.key]).get(found.key, [])
        if now is None or not rows:
            return
        wrong = [row.pk for row in rows if row.byte_size != now.size]
        if wrong and _is_whole(found.key):
            _wrong_size(now, wrong, report, options)
        elif wrong:
            _damaged(found.key, report, options)
    elif options.deep and not _is_whole(found.key):
        _damaged(found.key, report, options)


def _is_whole(key: str) -> bool:
    """Whether the object holds the bytes that its name is the hash of."""
    digest = hashlib.sha256()
    try:
        for chunk in media_storage().chunks(key):
            digest.update(chunk)
    except FileNotFoundError:
        return not _pointing([key])  # it was deleted meanwhile, as it should be
    match = ADDRESS.fullmatch(key)
    return match is not None and match[2] == digest.hexdigest()


def _wrong_size(
    found: StoredObject, wrong: Sequence[UUID], report: Report, options: Options
) -> None:
    report.wrong_size += len(wrong)
    report.example("wrong size", found.key)
    if options.repair:
        pointing = CacheAsset.objects.filter(pk__in=wrong, storage_key=found.key)
        report.sizes_fixed += pointing.update(byte_size=found.size)


def _damaged(key: str, report: Report, options: Options) -> None:
    report.wrong_checksum += 1
    report.example("wrong checksum", key)
    if options.repair:
        _give_up_copies(_pointing([key]))
        remove_released()


def _give_up_copies(pointing: dict[str, list[_Row]]) -> None:
    """Let go of objects that are not what they should be; their rows wait until they are gone."""
    ids = [row.pk for rows in pointing.values() for row in rows]
    CacheAsset.objects.filter(pk__in=ids, storage_key__in=list(pointing)).update(
        status=Status.BLOCKED,
        error_code=REPAIR,
        error="Its copy is lost or damaged and will be fetched again.",
        storage_key="",
        sha256="",
    )


def _fetch_again() -> int:
    """Queue the rows whose copy was given up, in this run or in one that was cut short."""
    remove_released(seconds=60.0)
    given_up = CacheAsset.objects.filter(status=Status.BLOCKED, error_code=REPAIR, storage_key="")
    ids = list(given_up.values_list("pk", flat=True)[:BATCH])
    count = 0
    while ids:
        count += CacheAsset.objects.filter(pk__in=ids, error_code=REPAIR).requeue(
            priority=Priority.SCHEDULE
        )
        wake(CacheAsset, ids)
        ids = list(given_up.values_list("pk", flat=True)[:BATCH])
    return count


def _look_at_strays(
    strays: Sequence[StoredObject], orphans: IO[str], report: Report, options: Options
) -> None:
    """Note down those that are ours, old enough, and that no row points to now."""
    young = datetime.now(UTC) - options.grace
    ours = [found for found in strays if ADDRESS.fullmatch(found.key)]
    report.foreign += len(strays) - len(ours)
    wanted = pointed_to([found.key for found in ours])
    for found in ours:
        if found.key in wanted or found.modified >= young:
            continue
        report.orphaned += 1
        report.orphaned_bytes += found.size
        report.example("orphaned", found.key)
        orphans.write(f"{found.key}\n")


def _remove_orphans(orphans: IO[str], report: Report, options: Options) -> None:
    if report.orphaned > options.most_orphans * report.objects:
        report.too_many_orphans = True
        return
    orphans.seek(0)
    while keys := [line.strip() for line, _ in zip(orphans, range(BATCH), strict=False)]:
        release(keys)
        remove_released(seconds=60.0)
        left = ReleasedObject.objects.filter(storage_key__in=keys).count()
        report.orphans_removed += len(keys) - left

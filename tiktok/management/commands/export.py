"""``manage.py export WHAT``: lists as CSV, NDJSON or XLSX, posts and profiles as ZIP."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from carousel.lib import tabular
from carousel.lib.console import Console, OneLineCommand, terse
from carousel.lib.progress import Progress
from carousel.lib.selection import NothingChosen
from carousel.lib.tabular import FORMATS, Table
from carousel.lib.work import Status
from ocr.models import SlideReading, SlideType
from tiktok.models import (
    ContentType,
    PostMetrics,
    ProfileMetrics,
    ProfileMonitoringLog,
    TikTokPost,
    TikTokProfile,
    Trigger,
)
from tiktok.services import exporting
from tiktok.services.archiving import archive_post, archive_profile
from tiktok.services.finding import find_post, find_profile
from tiktok.services.saying import posts_saying
from tiktok.services.search import slides_saying

Options = dict[str, Any]


class Command(OneLineCommand):
    help = (
        "Write a list to a file: posts, slides, post-metrics, profiles, profile-metrics or runs; "
        "or a post or profile with all its files as a ZIP. Any number of rows in constant memory."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
        for name in LISTS:
            words = f"the list of {name.replace('-', ' ')}"
            _list_arguments(terse(kinds.add_parser(name, help=words)))
        archive = terse(kinds.add_parser("archive", help="a post or a profile, with all its files"))
        archive.add_argument("kind", choices=("post", "profile"))
        archive.add_argument("name", metavar="NAME", help="an id, a link, or a profile's handle")
        _output_argument(archive)

    def handle(self, *args: Any, **options: Any) -> None:
        with Console(self.stdout, self.stderr, options).progress("Exporting") as progress:
            written = _write(options["output"], _told(_bytes(options), progress))
        if options["output"] != "-" and options["verbosity"]:
            self.stderr.write(f"{options['output']}: {written} bytes", style_func=str)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    """The filters of all lists; which of them a list knows is checked when it is made."""
    parser.add_argument("--format", choices=[*FORMATS], help="else by the file's name, else csv")
    _output_argument(parser)
    parser.add_argument("--profile", metavar="HANDLE", help="of this profile")
    parser.add_argument("--search", metavar="WORDS", help="that say this")
    parser.add_argument("--content-type", choices=ContentType.values)
    parser.add_argument("--ocr-status", choices=Status.values)
    parser.add_argument("--category", metavar="NAME")
    parser.add_argument("--slide-type", choices=SlideType.values)
    parser.add_argument("--min-views", type=int, metavar="N")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="published or written since")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="published or written before")
    parser.add_argument("--status", choices=Status.values, help="of runs")
    parser.add_argument("--trigger", choices=Trigger.values, help="of runs")
    parser.add_argument("--monitored", action=argparse.BooleanOptionalAction, help="profiles")
    parser.add_argument("--own", action=argparse.BooleanOptionalAction, help="profiles")


def _output_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="instead of standard output"
    )


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)):
            moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - made aware below
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None
    if moment is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2026-11-22T10:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# --- What is written -------------------------------------------------------------------------


def _bytes(options: Options) -> Iterator[bytes]:
    """The file. Raises CommandError for names and filters that can't be used."""
    try:
        if options["what"] == "archive":
            return _archived(options["kind"], options["name"])
        table, known, choose = LISTS[options["what"]]
        if unknown := [name for name in FILTERS - known if options[name] is not None]:
            flags = " ".join(f"--{name.replace('_', '-')}" for name in sorted(unknown))
            raise CommandError(f"{flags}: {options['what']} can't be filtered by that.")
        return tabular.export(
            table, choose(options), options["format"] or _named(options["output"])
        )
    except (NothingChosen, ValueError) as exc:
        raise CommandError(str(exc)) from exc


def _named(output: str) -> str:
    """The format that a file's name asks for. Raises CommandError for one that is not written."""
    ending = Path(output).suffix.lower().removeprefix(".")
    if ending and ending not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise CommandError(f"{output}: write one of {known}, or choose with --format.")
    return ending or "csv"


def _archived(kind: str, name: str) -> Iterator[bytes]:
    if kind == "post":
        return archive_post(find_post(name))
    return archive_profile(find_profile(name))


def _chosen(options: Options, paths: dict[str, str]) -> Q:
    """The filters that were given, as conditions on these paths."""
    wanted = Q()
    for name, path in paths.items():
        value = options[name]
        if value is not None:
            wanted &= Q(**{path: find_profile(value) if name == "profile" else value})
    return wanted


POST_PATHS = {
    "profile": "profile",
    "content_type": "content_type",
    "ocr_status": "reading__status",
    "category": "reading__category__name__iexact",
    "min_views": "view_count__gte",
}
PUBLISHED = {"since": "published_at__gte", "until": "published_at__lt"}
CAPTURED = {"since": "captured_at__gte", "until": "captured_at__lt"}
CREATED = {"since": "created_at__gte", "until": "created_at__lt"}


def _posts(options: Options) -> QuerySet[TikTokPost]:
    rows = TikTokPost.objects.filter(_chosen(options, POST_PATHS | PUBLISHED))
    if options["search"]:
        rows = posts_saying(rows, options["search"])
    return rows.order_by("-published_at", "-id")


def _slides(options: Options) -> QuerySet[SlideReading]:
    rows = SlideReading.objects.exclude(text=None)
    if options["search"]:
        rows = slides_saying(rows, options["search"])
    if options["slide_type"]:
        rows = rows.filter(slide_type=options["slide_type"])
    if wanted := _chosen(options, POST_PATHS | PUBLISHED):
        rows = rows.filter(reading__in=TikTokPost.objects.filter(wanted).values("reading_id"))
    return rows.order_by("pk")


def _post_metrics(options: Options) -> QuerySet[PostMetrics]:
    rows = PostMetrics.objects.filter(_chosen(options, CAPTURED))
    if wanted := _chosen(options, POST_PATHS):
        rows = rows.filter(post__in=TikTokPost.objects.filter(wanted))
    return rows.order_by("pk")


def _profiles(options: Options) -> QuerySet[TikTokProfile]:
    paths = {"monitored": "monitoring_enabled", "own": "is_own_profile"}
    rows = TikTokProfile.objects.filter(_chosen(options, paths | CREATED))
    if words := (options["search"] or "").lstrip("@"):
        rows = rows.filter(Q(handle__icontains=words) | Q(nickname__icontains=words))
    return rows.order_by(F("created_at").desc(), F("id").desc())


def _profile_metrics(options: Options) -> QuerySet[ProfileMetrics]:
    return ProfileMetrics.objects.filter(
        _chosen(options, {"profile": "profile"} | CAPTURED)
    ).order_by("pk")


def _runs(options: Options) -> QuerySet[ProfileMonitoringLog]:
    paths = {"profile": "profile", "status": "status", "trigger": "trigger"}
    rows = ProfileMonitoringLog.objects.filter(_chosen(options, paths | CREATED))
    ordered: QuerySet[ProfileMonitoringLog] = rows.order_by("-created_at", "-id")
    return ordered


FILTERS = {
    *("profile", "search", "content_type", "ocr_status", "category", "slide_type", "min_views"),
    *("since", "until", "status", "trigger", "monitored", "own"),
}
TIMES = {"since", "until"}
# The table, the filters that it knows, and how they choose its rows.
LISTS: dict[str, tuple[Table, set[str], Any]] = {
    "posts": (exporting.POSTS, {*POST_PATHS, *TIMES, "search"}, _posts),
    "slides": (exporting.SLIDES, {*POST_PATHS, *TIMES, "search", "slide_type"}, _slides),
    "post-metrics": (exporting.POST_METRICS, {*POST_PATHS, *TIMES}, _post_metrics),
    "profiles": (exporting.PROFILES, {*TIMES, "search", "monitored", "own"}, _profiles),
    "profile-metrics": (exporting.PROFILE_METRICS, {*TIMES, "profile"}, _profile_metrics),
    "runs": (exporting.RUNS, {*TIMES, "profile", "status", "trigger"}, _runs),
}


# --- Where it is written ---------------------------------------------------------------------


def _told(chunks: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    written = 0
    for chunk in chunks:
        written += len(chunk)
        progress.show(None, f"{written // 1024} KiB")
        yield chunk


def _write(name: str, chunks: Iterable[bytes]) -> int:
    """Write the file, whole or not at all. Returns its size in bytes. Raises CommandError."""
    if name == "-":
        return sum(sys.stdout.buffer.write(chunk) for chunk in chunks)
    path = Path(name)
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as exc:
        raise CommandError(f"{name}: {exc.strerror}. Name a file that can be written.") from exc
    try:
        with os.fdopen(handle, "wb") as file:
            written = sum(file.write(chunk) for chunk in chunks)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except OSError as exc:
        raise CommandError(f"{name}: {exc.strerror}.") from exc
    finally:
        Path(beside).unlink(missing_ok=True)
    return written

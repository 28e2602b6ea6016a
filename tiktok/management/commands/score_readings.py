"""``manage.py score_readings``: how well were slides read, by a sample labelled by hand?"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from carousel.lib.console import Console, ConsoleCommand
from ocr.scoring import Tally
from ocr.services import Labelled, Scores, score
from tiktok.models import TikTokPost

Json = dict[str, Any]
Row = dict[str, Any]
TITLES = ("slides", "CER %", "exact %", "order %", "invented", "type %", "category %")


class Command(ConsoleCommand):
    help = (
        "Compare what was read with a sample labelled by hand: a CSV or JSON Lines file with the "
        "columns post (its id here or at TikTok), position (from 0), and text, slide_type and "
        "category, as far as they are labelled. An empty text says that there is nothing to read; "
        "an empty type or category is no label. Error rates are shown for each engine, model and "
        "version of the prompt; what a person has corrected does not count."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="FILE", help="labelled slides")

    def run(self, console: Console, options: Json) -> None:
        sample, unknown = _resolve(list(_rows(options["file"])))
        scores = score(sample)
        lines = [[name, *_cells(tally)] for name, tally in scores.by_reader.items()]
        console.table(["reader", *TITLES], lines)
        for words in _left_out(scores, unknown):
            console.say(words)
        readers = {name: _answer(tally) for name, tally in scores.by_reader.items()}
        console.answer(
            {
                "readers": readers,
                "unread": scores.unread,
                "corrected": scores.corrected,
                "missingSlides": scores.missing,
                "unknownPosts": unknown,
            }
        )
        if not scores.by_reader:
            raise CommandError("None of the labelled slides has been read by a machine.")


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Line numbers and rows of the file. Raises CommandError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, json.loads(line)
            else:
                yield from enumerate(csv.DictReader(file), 2)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise CommandError(f"{path} can't be read: {exc}.") from exc
    except json.JSONDecodeError as exc:
        raise CommandError(f"{path}: a line is not JSON ({exc.msg}).") from exc


def _resolve(rows: list[tuple[int, Row]]) -> tuple[list[Labelled], int]:
    """The labelled slides by reading, and how many rows name a post that is not here or unread."""
    for number, row in rows:
        if not isinstance(row, dict) or not str(row.get("post") or "").strip():
            raise CommandError(f"Line {number} names no post: the columns are post, position, …")
    readings = _readings({str(row["post"]).strip() for _, row in rows})
    sample = []
    for number, row in rows:
        reading = readings.get(str(row["post"]).strip())
        if reading is not None:
            sample.append(_labelled(number, row, reading))
    return sample, len(rows) - len(sample)


def _readings(names: set[str]) -> dict[str, UUID]:
    """Readings of posts, by what the file calls them."""
    ids = [name for name in names if _is_uuid(name)]
    posts = TikTokPost.objects.filter(Q(tiktok_id__in=names) | Q(pk__in=ids))
    found: dict[str, UUID] = {}
    for pk, tiktok_id, reading in posts.values_list("pk", "tiktok_id", "reading"):
        if reading is not None:
            found |= {str(pk): reading, tiktok_id: reading}
    return found


def _labelled(number: int, row: Row, reading: UUID) -> Labelled:
    try:
        position = int(row.get("position") or 0)
    except ValueError:
        raise CommandError(f"Line {number}: {row['position']!r} is no position.") from None
    text = row.get("text")
    return Labelled(
        reading,
        position,
        None if text is None else str(text),
        row.get("slide_type") or None,
        row.get("category") or None,
    )


def _is_uuid(name: str) -> bool:
    try:
        return bool(UUID(name))
    except ValueError:
        return False


def _cells(tally: Tally) -> list[object]:
    exact = tally.exact / tally.texts if tally.texts else None
    shares = [_percent(tally.character_error_rate), _percent(exact), _percent(tally.order_rate)]
    judged = [_percent(tally.accuracy(what)) for what in ("slide_type", "category")]
    return [tally.texts, *shares, f"{tally.invented} of {tally.blank}", *judged]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _answer(tally: Tally) -> Json:
    return {
        "slides": tally.texts,
        "characters": tally.characters,
        "characterErrors": tally.errors,
        "characterErrorRate": tally.character_error_rate,
        "exact": tally.exact,
        "order": tally.order_rate,
        "blank": tally.blank,
        "invented": tally.invented,
        "slideTypeAccuracy": tally.accuracy("slide_type"),
        "categoryAccuracy": tally.accuracy("category"),
    }


def _left_out(scores: Scores, unknown: int) -> Iterator[str]:
    for number, what in (
        (unknown, "rows name a post that is not here or has no reading"),
        (scores.missing, "rows name a slide that its post does not have"),
        (scores.unread, "slides are not read"),
        (scores.corrected, "slides have a person's text, which is no machine's merit"),
    ):
        if number:
            yield f"{number} {what}."

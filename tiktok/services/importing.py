"""Lists of profiles, as people have them: one per line or CSV, in any spelling.

Reading a list costs nothing: it says what is new, known, named twice or malformed, and why.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower

from carousel.lib.work import Status
from tiktok.models import ProfileMonitoringLog, TikTokProfile
from tiktok.scraper.handles import parse_handle

DELIMITERS = ("\t", ";", ",", "|")
# What people call the column, without case, spaces, signs and plural; better ones first.
CLEAR_COLUMNS = (
    *("handle", "tiktokhandle", "username", "tiktokusername", "uniqueid", "url", "profileurl"),
    *("tiktokurl", "profilelink", "tiktoklink", "tiktokprofile", "tiktokaccount"),
)
# Where there is no other column these may just as well be somebody's handle.
COLUMNS = (*CLEAR_COLUMNS, "link", "profile", "tiktok", "account", "creator", "user")
LONGEST_CELL = 50  # lines that a quoted cell may span, before its quote counts as a stray one
LOOKUP = 2000  # handles per query

# Adding them broke off before their first page, as for want of credits: it is still to be done.
_runs = ProfileMonitoringLog.objects.filter(profile=OuterRef("pk"))
EMPTY = Exists(_runs.filter(status=Status.FAILED)) & ~Exists(
    _runs.exclude(status=Status.FAILED, pages_scraped=0)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A handle, lower-cased and without ``@``, and the line (from 1) on which it stands."""

    line: int
    handle: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that names no profile, and why not."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """An entry whose profile is here already; ``profile_handle`` is what it is called now."""

    entry: Entry
    profile_id: UUID
    profile_handle: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An entry that was named before, on ``first_line``."""

    entry: Entry
    first_line: int


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What a list holds. Every entry is in exactly one of these, in the order of the list.

    ``new`` are also those whose adding broke off before their first page.
    """

    new: list[Entry] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    malformed: list[Malformed] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All that was named, malformed ones included."""
        return len(self.new) + len(self.known) + len(self.duplicates) + len(self.malformed)


def preview_answer(preview: ImportPreview) -> dict[str, Any]:
    """What a list holds, as the API and ``--json`` show it."""
    return {
        "total": preview.total,
        "new": [{"line": each.line, "handle": each.handle} for each in preview.new],
        "known": [
            {
                "line": each.entry.line,
                "handle": each.entry.handle,
                "profileId": str(each.profile_id),
                "profileHandle": each.profile_handle,
            }
            for each in preview.known
        ],
        "duplicates": [
            {"line": each.entry.line, "handle": each.entry.handle, "firstLine": each.first_line}
            for each in preview.duplicates
        ],
        "malformed": [
            {"line": each.line, "text": each.text, "reason": each.reason}
            for each in preview.malformed
        ],
    }


def decode(raw: bytes) -> str:
    """The text of a file: UTF-8 or UTF-16 with or without a mark, else Windows' Latin.

    Raises ValueError, in words, for what is not text.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        raise ValueError("This is not a text file. Save it as CSV or as plain text.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def classify(lines: Iterable[str]) -> ImportPreview:
    """Sort a list into what is new, known, named twice and malformed.

    Each line names a profile by handle or link in any spelling, or is a row of CSV with or without
    a header. Empty lines and those that begin with ``#`` are left out. Two queries per 2,000
    handles.
    """
    return _sorted(read_entries(lines))


def classify_names(names: Iterable[str]) -> ImportPreview:
    """The same for names that are separate already; their lines are their numbers, from 1."""
    numbered = enumerate((" ".join(name.split()) for name in names), start=1)
    return _sorted(each for line, text in numbered for each in _named_by(line, text, [text]))


def _sorted(everything: Iterable[Entry | Malformed]) -> ImportPreview:
    preview = ImportPreview()
    first_lines: dict[str, int] = {}
    entries: list[Entry] = []
    for found in everything:
        if isinstance(found, Malformed):
            preview.malformed.append(found)
        elif found.handle in first_lines:
            preview.duplicates.append(Duplicate(found, first_lines[found.handle]))
        else:
            first_lines[found.handle] = found.line
            entries.append(found)
    holders = _holders([entry.handle for entry in entries])
    for entry in entries:
        if holder := holders.get(entry.handle):
            preview.known.append(Known(entry, *holder))
        else:
            preview.new.append(entry)
    return preview


def _holders(handles: Sequence[str]) -> dict[str, tuple[UUID, str]]:
    """Who goes by these handles, or went by them while nobody else does."""
    current: dict[str, tuple[UUID, str]] = {}
    former: dict[str, tuple[UUID, str]] = {}
    for start in range(0, len(handles), LOOKUP):
        wanted = list(handles[start : start + LOOKUP])
        profiles = TikTokProfile.objects.exclude(EMPTY)
        named = profiles.alias(folded=Lower("handle")).filter(folded__in=wanted)
        for pk, handle in named.values_list("pk", "handle"):
            current[handle.lower()] = (pk, handle)
        renamed = profiles.filter(previous_handles__overlap=wanted)
        for pk, handle, previous in renamed.values_list("pk", "handle", "previous_handles"):
            former |= dict.fromkeys((each.lower() for each in previous), (pk, handle))
    return former | current


def read_entries(lines: Iterable[str]) -> Iterator[Entry | Malformed]:
    """Every profile that a list names, and every line that names none."""
    numbered = _meaningful(lines)
    if not numbered:
        return
    delimiter = _declared_delimiter(numbered[0][1])
    if delimiter:
        numbered.pop(0)
    columns: list[int] = []
    if numbered:
        delimiter, columns = _header(numbered[0][1], delimiter)
    if columns:
        for line, text in _joined(numbered[1:]):
            yield from _named_by(line, text, _chosen(_cells(text, delimiter), columns))
        return
    delimiter = delimiter or _sniffed(numbered)
    for line, text in numbered:
        yield from _named_by(line, text, _obvious(text, delimiter))


def _meaningful(lines: Iterable[str]) -> list[tuple[int, str]]:
    """Lines with their numbers, without marks, line ends, empty lines and comments."""
    cleaned = ((n, line.strip("\ufeff\r\n\0 ")) for n, line in enumerate(lines, start=1))
    return [(n, line) for n, line in cleaned if line.strip() and not line.startswith("#")]


def _declared_delimiter(text: str) -> str:
    """The delimiter in the line ``sep=;`` that Excel writes and reads, if this is one."""
    found = re.fullmatch(r'"?sep=(.)"?', text, re.IGNORECASE)
    return found[1] if found else ""


def _header(text: str, delimiter: str) -> tuple[str, list[int]]:
    """The delimiter and the columns that name profiles, best first; none if it is no header."""
    for candidate in [delimiter] if delimiter else DELIMITERS:
        cells = _cells(text, candidate)
        names = [re.sub(r"[\W_]", "", cell.lower()).rstrip("s") for cell in cells]
        if any(cell.startswith("@") for cell in cells):
            continue  # somebody may be called @user
        columns = [names.index(name) for name in _columns(len(cells)) if name in names]
        if columns:
            return candidate, columns
    return delimiter, []


def _columns(count: int) -> Sequence[str]:
    return COLUMNS if count > 1 else CLEAR_COLUMNS


def _sniffed(numbered: Sequence[tuple[int, str]]) -> str:
    """The delimiter that most lines have; none if they name one thing each."""
    sample = [text for _, text in numbered[:200]]
    most = max(DELIMITERS, key=lambda each: sum(each in text for text in sample))
    return most if sum(most in text for text in sample) * 2 >= len(sample) else ""


def _cells(text: str, delimiter: str) -> list[str]:
    """A row's cells. A stray quote is taken as it stands."""
    if not delimiter:
        return [text]
    try:
        if text.count('"') % 2:
            raise csv.Error("a quote is never closed")
        rows = list(csv.reader(text.split("\n"), delimiter=delimiter))
    except csv.Error:  # or a cell of more than 128 KiB
        rows = [text.split(delimiter)]
    return [cell.strip() for row in rows for cell in row]


def _joined(numbered: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Rows: a cell in quotes may go on over some lines."""
    index = 0
    while index < len(numbered):
        line, text = numbered[index]
        end = index
        if text.count('"') % 2:
            closing = range(index + 1, min(index + LONGEST_CELL, len(numbered)))
            end = next((i for i in closing if numbered[i][1].count('"') % 2), index)
        yield line, "\n".join(text for _, text in numbered[index : end + 1])
        index = end + 1


def _chosen(cells: Sequence[str], columns: Sequence[int]) -> list[str]:
    """The first of the named columns that has something in it."""
    filled = [cells[i] for i in columns if i < len(cells) and cells[i]]
    return filled[:1]


def _obvious(text: str, delimiter: str) -> list[str]:
    """What names profiles in a line without a header: links and ``@handles``, else its start."""
    if not delimiter:
        return [re.sub(r"\s+#.*", "", text)]
    filled = [cell for cell in _cells(text, delimiter) if cell]
    clear = [cell for cell in filled if cell.startswith("@") or "tiktok.com/" in cell.lower()]
    if len(clear) == len(filled):
        return clear
    return clear[:1] or filled[:1]


def _named_by(line: int, text: str, cells: Sequence[str]) -> Iterator[Entry | Malformed]:
    handles: list[str] = []
    for cell in cells:
        try:
            handle = parse_handle(cell)
        except ValueError as exc:
            yield Malformed(line, text[:200], str(exc))
            continue
        if handle not in handles:  # a row with a handle and a link to the same
            handles.append(handle)
            yield Entry(line, handle)
    if not cells:
        yield Malformed(line, text[:200], "The row has no handle and no link.")

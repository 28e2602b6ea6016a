"""Tables as files: CSV, NDJSON and XLSX, written as they are read, in constant memory."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from xlsxwriter import Workbook
from xlsxwriter.format import Format as Style
from xlsxwriter.worksheet import Worksheet

Row = Sequence[Any]
CHUNK = 64 * 1024  # bytes
ROWS_AT_ONCE = 500
BETWEEN = " | "  # of a list in one cell
# Excel's bounds ("Excel specifications and limits"); a text's is in UTF-16 units.
SHEET_ROWS = 1_048_576
CELL_UNITS = 32_767
# What Excel, LibreOffice and Google Sheets take for a formula when they open CSV (OWASP, "CSV
# Injection"); also behind spaces and quotes, which some of them strip.
FORMULA = re.compile(r"[\s'\"]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True, slots=True)
class Table:
    """Something to export: ``rows`` turns a filtered and ordered queryset into rows of values.

    Values are text, numbers, booleans, times, None, and lists of texts.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[QuerySet[Any]], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. ``write`` yields its bytes while it takes the rows."""

    extension: str
    content_type: str
    write: Callable[[Sequence[str], Iterable[Row]], Iterator[bytes]]


def keyset(rows: QuerySet[Any], *, size: int = ROWS_AT_ONCE) -> Iterator[list[Any]]:
    """The primary keys of ``rows`` in their order, in chunks, through a cursor on the server.

    So memory is constant here, and the database sorts keys only, once.
    """
    keys = rows.values_list("pk", flat=True).iterator(chunk_size=2000)
    while chunk := list(itertools.islice(keys, size)):
        yield chunk


# --- CSV -----------------------------------------------------------------------------------


def write_csv(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """RFC 4180 in UTF-8, the names first. No cell can be taken for a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
        if buffer.tell() >= CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _csv_cell(value: Any) -> Any:
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, list):
        plain = BETWEEN.join(map(str, plain))
    return harmless(plain) if isinstance(plain, str) else plain


def harmless(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would compute it."""
    return f"'{text}" if FORMULA.match(text) else text


def _plain(value: Any) -> Any:
    """A value as text, number, boolean, None or list."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()[:-6] + "Z"
    if isinstance(value, UUID):
        return str(value)
    return float(value) if isinstance(value, Decimal) else value


# --- NDJSON --------------------------------------------------------------------------------


def write_ndjson(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """An object per line; unknown values are null, lists are lists."""
    lines: list[str] = []
    size = 0
    for row in rows:
        found = dict(zip(columns, map(_plain, row), strict=True))
        lines.append(json.dumps(found, ensure_ascii=False))
        size += len(lines[-1])
        if size >= CHUNK:
            yield ("\n".join(lines) + "\n").encode()
            lines, size = [], 0
    if lines:
        yield ("\n".join(lines) + "\n").encode()


# --- XLSX ----------------------------------------------------------------------------------


def write_xlsx(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """A workbook, its names in bold and fixed; rows beyond Excel's limit go on a next sheet.

    It is written to disk row by row (its end has to be known first), then read from there; what
    was written is gone in any case. Texts are cells of type text, so none is a formula.
    """
    with tempfile.TemporaryDirectory(prefix="carousel-xlsx-") as folder:
        path = Path(folder) / "export.xlsx"
        _fill(path, columns, rows)
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


def _fill(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    bounded = {"constant_memory": True, "tmpdir": str(path.parent), "remove_timezone": True}
    book = Workbook(str(path), bounded)
    book.use_zip64()
    bold = book.add_format({"bold": True})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    remaining = iter(rows)
    first = next(remaining, None)
    while True:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, columns, bold)
        here = [first] if first is not None else []
        on_this = itertools.islice(itertools.chain(here, remaining), SHEET_ROWS - 1)
        for number, row in enumerate(on_this, start=1):
            _write_row(sheet, number, row, moment)
        first = next(remaining, None)
        if first is None:
            break
    book.close()


def _write_row(sheet: Worksheet, number: int, row: Row, moment: Style) -> None:
    for column, value in enumerate(row):
        if value is None:
            continue
        if isinstance(value, datetime):
            sheet.write_datetime(number, column, value.astimezone(UTC), moment)
        elif isinstance(value, bool):
            sheet.write_boolean(number, column, value)
        elif isinstance(value, int | float | Decimal):
            sheet.write_number(number, column, float(value))
        else:
            text = BETWEEN.join(value) if isinstance(value, list) else str(value)
            sheet.write_string(number, column, _fitting(text))


def _fitting(text: str) -> str:
    """As much of the text as a cell takes."""
    if len(text) * 2 <= CELL_UNITS:
        return text
    return text.encode("utf-16-le")[: 2 * CELL_UNITS].decode("utf-16-le", "ignore")


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8", write_csv),
    "ndjson": Format("ndjson", "application/x-ndjson", write_ndjson),
    "xlsx": Format(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        write_xlsx,
    ),
}


def export(table: Table, rows: QuerySet[Any], kind: str) -> Iterator[bytes]:
    """The bytes of ``rows`` as a file of this kind (a key of ``FORMATS``)."""
    return FORMATS[kind].write(table.columns, table.rows(rows))

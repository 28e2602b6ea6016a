"""Tables as files, and archives that are sent while they are made."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from carousel.lib import tabular
from carousel.lib.downloads import download
from carousel.lib.tabular import harmless, write_csv, write_ndjson, write_xlsx
from carousel.lib.zipping import ZipStream
from carousel.tests.sheets import read_sheets

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
COLUMNS = ("text", "number", "flag", "at", "list", "nothing")
ROW: tuple[Any, ...] = ('a "b",\nc', 2**53, True, NOON, ["x", "=y"], None)


def test_csv_quotes_what_needs_it_and_leaves_what_is_unknown_empty() -> None:
    text = b"".join(write_csv(COLUMNS, [ROW])).decode()
    names, cells = csv.reader(io.StringIO(text, newline=""))
    assert tuple(names) == COLUMNS
    assert cells == [ROW[0], str(2**53), "true", "2026-01-02T12:00:00Z", "x | =y", ""]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '"=1', "-someone"]
)
def test_no_text_is_a_formula(text: str) -> None:
    (_, (cell,)) = csv.reader(
        io.StringIO(b"".join(write_csv(["a"], [[text]])).decode(), newline="")
    )
    assert cell == "'" + text
    (sheet,) = read_sheets(b"".join(write_xlsx(["a"], [[text]])))
    assert sheet[1][0].endswith(text[-2:])


@pytest.mark.parametrize("text", ["", "a=b", "5 - 3", "#tag", "someone@example.com"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_a_negative_number_is_a_number() -> None:
    assert b"".join(write_csv(["a"], [[-5]])) == b"a\r\n-5\r\n"


def test_ndjson_has_an_object_per_line() -> None:
    lines = b"".join(write_ndjson(COLUMNS, [ROW, ROW])).decode().splitlines()
    assert len(lines) == 2
    found = json.loads(lines[1])
    assert found["list"] == ["x", "=y"]
    assert (found["nothing"], found["number"], found["at"]) == (None, 2**53, "2026-01-02T12:00:00Z")


def test_xlsx_keeps_types_and_cuts_what_no_cell_takes() -> None:
    emoji = "😀" * 20_000
    (sheet,) = read_sheets(b"".join(write_xlsx(COLUMNS, [ROW, (emoji, -5, False, None, [], "z")])))
    assert tuple(sheet[0]) == COLUMNS
    assert sheet[1][1:3] == [str(2**53), "1"]
    assert float(sheet[1][3]) == pytest.approx(46024.5)
    assert sheet[2][0] == "😀" * 16_383
    assert sheet[2][1:] == ["-5", "0", "", "z"]


def test_rows_beyond_a_sheet_go_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "SHEET_ROWS", 4)
    sheets = read_sheets(b"".join(write_xlsx(["n"], ([n] for n in range(6)))))
    assert [[row[0] for row in sheet] for sheet in sheets] == [
        ["n", "0", "1", "2"], ["n", "3", "4", "5"],
    ]  # fmt: skip


def test_whoever_stops_listening_leaves_no_files(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = ([str(n) * 50] for n in range(5000))
    chunks = download("a.xlsx", "x/y", write_xlsx(["n"], rows))
    stream: Any = iter(chunks)
    assert next(stream)[:2] == b"PK"
    assert list(tmp_path.iterdir())
    chunks.close()
    del stream
    assert not list(tmp_path.iterdir())


def test_a_zip_comes_out_while_it_is_made() -> None:
    zipped = ZipStream()
    whole = bytearray()
    for name in ("a/ä.jpg", "b.mp4"):
        sizes = []
        for part in zipped.add(name, (b"x" * 100_000 for _ in range(5)), modified=NOON):
            sizes.append(len(part))
            whole += part
        assert max(sizes) < 110_000
    for part in zipped.end():
        whole += part
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["a/ä.jpg", "b.mp4"]
        info = found.getinfo("b.mp4")
        assert (info.file_size, info.compress_type) == (500_000, zipfile.ZIP_STORED)
        assert info.date_time == (2026, 1, 2, 12, 0, 0)

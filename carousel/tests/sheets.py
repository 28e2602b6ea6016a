"""Reading workbooks in tests, with nothing of what wrote them."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def read_sheets(workbook: bytes) -> list[list[list[str]]]:
    """The cells of each sheet as text, empty ones left out. A formula fails the test."""
    sheets = []
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        assert parts.testzip() is None
        names = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        for name in sorted(names):
            root = ElementTree.fromstring(parts.read(name))
            assert root.find(".//m:f", NAMES) is None, "a formula"
            rows = root.findall(".//m:row", NAMES)
            sheets.append([[_text(cell) for cell in row.findall("m:c", NAMES)] for row in rows])
    return sheets


def _text(cell: ElementTree.Element) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{{{NAMES['m']}}}t"))
    value = cell.find("m:v", NAMES)
    return value.text or "" if value is not None else ""

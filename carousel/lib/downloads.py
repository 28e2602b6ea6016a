"""Answers that are files, made while they are sent."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterator
from typing import Any
from urllib.parse import quote

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from carousel.lib.tabular import FORMATS, Table, export


def table_download(table: Table, rows: QuerySet[Any], kind: str) -> StreamingHttpResponse:
    """The rows as a file of this kind (a key of ``FORMATS``), to be saved."""
    name = f"{table.name}-{timezone.now():%Y-%m-%d}.{FORMATS[kind].extension}"
    return download(name, FORMATS[kind].content_type, export(table, rows, kind))


def download(name: str, content_type: str, chunks: Iterator[bytes]) -> StreamingHttpResponse:
    """A file to be saved as ``name``, sent as it comes out of ``chunks``.

    What goes wrong before the first bytes is raised here, so that it can still be told.
    """
    answer = StreamingHttpResponse(_begun(chunks), content_type=content_type)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    if name.isascii():
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"  # a proxy that waits for all of it would need room for it
    return answer


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    return _whole(first, chunks)


def _whole(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """All chunks; whoever stops listening ends what makes them."""
    try:
        yield from itertools.chain([first], chunks)
    finally:
        if isinstance(chunks, Generator):
            with contextlib.suppress(RuntimeError):
                chunks.close()

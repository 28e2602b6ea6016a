"""Management commands as a person or a script meets them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError


@dataclass(frozen=True)
class Answer:
    """What a command wrote, and the one line with which it failed; empty if it did not."""

    out: str
    err: str
    failure: str
    code: int

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


def run_command(*args: str) -> Answer:
    """Run a command in this process. What it raises beside CommandError fails the test."""
    out, err = io.StringIO(), io.StringIO()
    failure, code = "", 0
    try:
        call_command(*args, stdout=out, stderr=err)
    except CommandError as exc:
        failure, code = str(exc), exc.returncode
        assert failure
        assert "\n" not in failure
    return Answer(out.getvalue(), err.getvalue(), failure, code)

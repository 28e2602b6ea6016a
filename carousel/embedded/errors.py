"""The one error of this package."""

from __future__ import annotations


class EmbeddedError(Exception):
    """An embedded server cannot run. The message is one line that says what to do about it."""

"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def iso(moment: datetime) -> str: ...
@overload
def iso(moment: None) -> None: ...
def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, with a ``Z``; fractions of a second only where there are any."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat()[:-6] + "Z"

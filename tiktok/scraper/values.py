"""Read single values of JSON that can't be trusted: what doesn't fit becomes ``None`` or empty.

Nothing here raises. The same field arrives as 1, true, "1", null or not at all, depending on the
endpoint and the day; text may hold what PostgreSQL refuses to store.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DIGITS = re.compile(r"[0-9]{1,32}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_HANDLE = re.compile(r"(?=.*\w)[\w.\-]{1,32}")
_SEC_UID = re.compile(r"[!-~]{1,256}", re.ASCII)

MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1
MAX_LINK = 8192
_MILLISECONDS = 100_000_000_000  # as seconds this is the year 5138
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def clean(text: str) -> str:
    """``text`` without NUL and lone surrogates, which PostgreSQL can't store."""
    return _UNSTORABLE.sub("", text) if _UNSTORABLE.search(text) else text


def raw_text(value: object) -> str:
    """A string as it came (offsets into it still hold), or empty."""
    return value if isinstance(value, str) else ""


def text(value: object) -> str:
    """A storable string, or empty. Never trimmed: spaces and line breaks are the author's."""
    return clean(value) if isinstance(value, str) else ""


def identifier(value: object) -> str | None:
    """A numeric id that came as a string.

    Numbers are refused: answers pass through JavaScript, which rounds whatever is above 2**53.
    """
    return value if isinstance(value, str) and _DIGITS.fullmatch(value) else None


def number(value: object) -> int | None:
    """A whole number of 64 bits, from an int, a whole float or a string of digits; may be < 0."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            return None
        value = int(value)
    if isinstance(value, float):
        if not value.is_integer():  # also NaN and the infinities
            return None
        value = int(value)
    return value if isinstance(value, int) and abs(value) <= MAX_INT64 else None


def count(value: object) -> int | None:
    """A counter; ``None`` for what is missing, unreadable, or negative (overflown, hidden)."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def size(value: object) -> int | None:
    """A number of bytes; 0 means that nobody filled it in."""
    return count(value) or None


def extent(value: object) -> int | None:
    """Pixels or milliseconds: more than 0, within 32 bits."""
    found = count(value)
    return found if found and found <= MAX_INT32 else None


def flag(value: object) -> bool:
    """True for true, any number but 0, "1" and "true"."""
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true")
    return bool(value) if isinstance(value, bool | int) else False


def moment(value: object) -> datetime | None:
    """A time in UTC from epoch seconds, epoch milliseconds (number or text) or ISO 8601.

    Text without a zone is taken as UTC. 0 and times outside 2000 to 2100 are nobody's time.
    """
    epoch = number(value)
    if epoch is None and isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        return aware.astimezone(UTC) if 2000 <= aware.year < 2100 else None
    if epoch is None:
        return None
    seconds = epoch / 1000 if epoch >= _MILLISECONDS else float(epoch)
    return datetime.fromtimestamp(seconds, UTC) if _EARLIEST <= seconds < _LATEST else None


def link(value: object) -> str | None:
    """An http(s) URL as it came, byte for byte, or ``None`` where it can't be one."""
    if not isinstance(value, str) or not 10 <= len(value) <= MAX_LINK:
        return None
    if not value.startswith(("https://", "http://")) or " " in value or not value.isprintable():
        return None
    return value


def links(value: object) -> tuple[str, ...]:
    """The usable URLs of a list, in its order, each once."""
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(found for item in value if (found := link(item))))


def items(value: object) -> list[object]:
    """A list, or an empty one: null stands where a list is natural."""
    return value if isinstance(value, list) else []


def tag(value: object) -> str:
    """A region or language code such as ``US``, ``un`` or ``zh-Hant``, or empty."""
    return value if isinstance(value, str) and _TAG.fullmatch(value) else ""


def label(value: object) -> str:
    """An id of any form, for people to compare: text or a whole number, as text."""
    whole = number(value)
    return str(whole) if whole is not None and not isinstance(value, str) else text(value)


def handle(value: object) -> str | None:
    """A handle without ``@``: letters, digits, dot, underscore, hyphen, 32 at most."""
    if not isinstance(value, str):
        return None
    bare = value.removeprefix("@")
    return bare if _HANDLE.fullmatch(bare) else None


def sec_uid(value: object) -> str | None:
    """TikTok's long opaque user id (``MS4wLjAB...``)."""
    return value if isinstance(value, str) and _SEC_UID.fullmatch(value) else None

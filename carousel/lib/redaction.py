"""Takes secrets out of what we write down: logs, errors, events for Sentry.

Three nets, because any one has holes: the secrets we were configured with, wherever they stand;
values under a telling name (a header, a query, a key of a mapping); and the query of every
address, because that is where signatures of media links are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from django.conf import settings

REDACTED = "[redacted]"
SHORTEST_SECRET = 8  # characters; a shorter one would black out ordinary words
_DEEPEST = 12

_SECRET_NAME = (
    r"(?:[\w-]*(?:password|passwd|secret|signature|credential|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|goog-api-key|token)s?|authorization|proxy-authorization|cookies?|set-cookie|"
    r"sessionid|csrftoken|sig|query_string|http\.query)"
)
_NAMED = re.compile(rf"^{_SECRET_NAME}$", re.IGNORECASE)
# Counts of tokens are no secrets: `input_tokens: 412`.
_INNOCENT = re.compile(r"^(?:\w+_)?tokens$", re.IGNORECASE)
# TikTok signs video links in the path: 32 hex digits of signature, then 8 of expiry.
_SIGNED_PATH = re.compile(r"/[0-9a-f]{32}/[0-9a-f]{8}/")
_QUERY = re.compile(r"(/[^\s?#\"'<>]*)\?[^\s\"'<>]*=[^\s\"'<>]*")
_USERINFO = re.compile(r"(://)[^/\s@\"'<>]+@")
_HEADER = re.compile(
    r"(\b(?:proxy-)?authorization|\b(?:set-)?cookie|\bx-(?:goog-)?api-key)([\"']?\s*[:=]\s*)[^\r\n]+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(Bearer|Token|Basic)\s+[\w.~+/=-]{12,}", re.IGNORECASE)
_PAIR = re.compile(
    rf"(?<![\w-])({_SECRET_NAME})([\"']?\s*[=:]\s*[\"']?)([^\s&\"',;)}}\]]{{6,}})", re.IGNORECASE
)


class Redactor:
    """Replaces secrets in text and in nested data by ``[redacted]``."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets`` are values that must never appear, whatever stands around them."""
        known = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        known |= {quote(secret, safe="") for secret in known}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def text(self, text: str) -> str:
        """``text`` without secrets; everything else stays as it is."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        text = _USERINFO.sub(rf"\1{REDACTED}@", text)
        text = _QUERY.sub(rf"\1?{REDACTED}", text)
        text = _SIGNED_PATH.sub(f"/{REDACTED}/", text)
        text = _HEADER.sub(rf"\1\2{REDACTED}", text)
        text = _SCHEME.sub(rf"\1 {REDACTED}", text)
        return _PAIR.sub(self._pair, text)

    def data(self, value: Any, depth: int = 0) -> Any:
        """A copy of nested mappings and lists without secrets; bytes and objects become text."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth >= _DEEPEST:
            return REDACTED
        if isinstance(value, Mapping):
            return {
                self.text(str(name)): REDACTED
                if item and is_secret_name(str(name))
                else self.data(item, depth + 1)
                for name, item in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.data(item, depth + 1) for item in value]
        return self.text(str(value))

    @staticmethod
    def _pair(found: re.Match[str]) -> str:
        name, between, value = found.groups()
        if _INNOCENT.match(name) and value.isdecimal():
            return found[0]
        return f"{name}{between}{REDACTED}"


def is_secret_name(name: str) -> bool:
    """Whether a value with this name is one to keep to ourselves."""
    return bool(_NAMED.match(name)) and not _INNOCENT.match(name)


@functools.cache
def configured_redactor() -> Redactor:
    """The redactor that knows this installation's own secrets (``settings.SECRETS``)."""
    return Redactor(settings.SECRETS)

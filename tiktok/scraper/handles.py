"""Handles and post links as people paste them."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote, urlsplit

from tiktok.scraper import values
from tiktok.scraper.schemas import ContentType

_SHORT_HOSTS = ("vm.tiktok.com", "vt.tiktok.com")
_POST_WORDS = ("photo", "video")
_EXAMPLE = "Write it like @some.handle or https://www.tiktok.com/@some.handle."


def parse_handle(text: str) -> str:
    """The handle, lower-cased and without ``@``, in what a person pasted.

    Takes ``handle``, ``@Handle``, and profile or post URLs of any TikTok host, with or without
    scheme, query and trailing slash. Raises ValueError, with words for that person, for everything
    else; short links among them, as only TikTok knows where they lead.
    """
    pasted = unicodedata.normalize("NFKC", text).strip().strip("<>\"'").strip()
    if not pasted:
        raise ValueError(f"The handle is empty. {_EXAMPLE}")
    path = _path(pasted) if _looks_like_link(pasted) else pasted
    word = unquote(path.split("?")[0].split("#")[0]).strip("/").split("/")[0]
    found = values.handle(word.lower())
    if found is None:
        raise ValueError(f"{_shown(text)} is not a TikTok handle or profile link. {_EXAMPLE}")
    return found


def _looks_like_link(pasted: str) -> bool:
    return "://" in pasted or _is_tiktok(pasted.split("/")[0].lower())


def _is_tiktok(host: str) -> bool:
    return host == "tiktok.com" or host.endswith(".tiktok.com")


def _path(pasted: str) -> str:
    """The path of a TikTok URL that begins with a handle. Raises ValueError."""
    try:
        parts = urlsplit(pasted if "://" in pasted else f"https://{pasted}")
        host = (parts.hostname or "").lower()
    except ValueError:
        raise ValueError(f"{_shown(pasted)} is not a link. {_EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not _is_tiktok(host):
        raise ValueError(f"{_shown(pasted)} is not a link to TikTok. {_EXAMPLE}")
    if host in _SHORT_HOSTS or parts.path.startswith("/t/"):
        raise ValueError(
            f"{_shown(pasted)} is a short link, and only TikTok knows where it leads. "
            "Open it in a browser and paste the address that appears."
        )
    path = unquote(parts.path)
    if not path.startswith("/@"):
        raise ValueError(f"{_shown(pasted)} doesn't lead to a profile. {_EXAMPLE}")
    return path


def _shown(text: str) -> str:
    """What was pasted, short enough and safe for a message."""
    shown = values.clean(text).strip()
    return repr(shown if len(shown) <= 80 else f"{shown[:77]}...")


def post_url(handle: str | None, content_type: ContentType, tiktok_id: str) -> str:
    """The post's canonical address; without a handle TikTok finds it under ``@_`` as well."""
    return f"https://www.tiktok.com/@{handle or '_'}/{content_type}/{tiktok_id}"


def parse_post_url(url: str) -> tuple[str | None, ContentType, str]:
    """Handle, content type and id of a full post URL; query and fragment are ignored.

    The handle is ``None`` where the URL has none or ``@_``. Raises ValueError.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        raise ValueError(f"{_shown(url)} is not a link.") from None
    steps = parts.path.strip("/").split("/")
    if (
        _is_tiktok(host)
        and len(steps) == 3
        and steps[0].startswith("@")
        and steps[1] in _POST_WORDS
        and values.identifier(steps[2])
    ):
        handle = values.handle(unquote(steps[0])[1:])
        kind: ContentType = "photo" if steps[1] == "photo" else "video"
        return (handle if handle != "_" else None), kind, steps[2]
    raise ValueError(
        f"{_shown(url)} is not the full address of a post. "
        "Write it like https://www.tiktok.com/@some.handle/photo/7540000301621841183."
    )

"""Hashtags and mentions of a caption."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tiktok.scraper import values
from tiktok.scraper.answers import TextExtra

# Not \w: it lacks the vowel signs of Indic scripts, and emoji. So everything counts but spaces,
# the two marks themselves and punctuation (ASCII except "_", general without the joiners, CJK).
_HASHTAG = re.compile(
    r"[#＃]([^\s#＃@＠!-/:-@\[-^`{-~\u2010-\u206f\u3000-\u303f！-／：-＠]+)",
)
_MENTION = re.compile(r"(?<![\w.@])@([\w.\-]{1,32})")
_MAX_LENGTH = 200


def read_tags(caption: str, text_extra: list[object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hashtags (lower-cased, without ``#``) and mentions (as shown, without ``@``), each once.

    From TikTok's own list where it names any, else from the caption's text, which must be the
    original one: the list's offsets count its UTF-16 code units.
    """
    hashtags: list[str] = []
    mentions: list[str] = []
    for item in text_extra:
        extra = TextExtra.read(item)
        if extra is None:
            continue
        if extra.hashtag_name:
            hashtags.append(extra.hashtag_name)
        elif extra.user_id and (shown := _shown(caption, extra)):
            mentions.append(shown)
    return (
        _once(tag.lower() for tag in hashtags or _HASHTAG.findall(caption)),
        _once(mentions or (name.rstrip(".") for name in _MENTION.findall(caption))),
    )


def _shown(caption: str, extra: TextExtra) -> str:
    """The name after ``@`` that the mention covers; it may contain spaces."""
    if extra.start is None or extra.end is None:
        return ""
    covered = utf16_slice(caption, extra.start, extra.end)
    return covered[1:].strip() if covered.startswith("@") else ""


def utf16_slice(text: str, start: int, end: int) -> str:
    """``text`` between two offsets in UTF-16 code units."""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * start : 2 * end].decode("utf-16-le", "ignore")


def _once(names: Iterable[str]) -> tuple[str, ...]:
    cleaned = (values.clean(name)[:_MAX_LENGTH] for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name))

"""The shape of one language's phrases."""

from __future__ import annotations

from dataclasses import dataclass

CATEGORIES: dict[str, str] = {
    "fitness": "Fitness",
    "finance": "Finance",
    "skincare": "Skincare",
    "travel": "Travel",
    "cooking": "Cooking",
    "productivity": "Productivity",
    "study": "Study tips",
}
"""Topic key to the category's name, which is the same in every language."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject in one language: ``things`` fill the hooks, ``tips`` fill the content slides.

    A tip may hold ``{m}``, which becomes a number of minutes.
    """

    things: tuple[str, ...]
    tips: tuple[str, ...]
    hashtags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language:
    """Everything said in one language.

    Hooks take ``{n}`` (how many content slides follow) and ``{thing}``; captions take ``{thing}``.
    """

    code: str
    hooks: tuple[str, ...]
    extras: tuple[str, ...]
    ctas: tuple[str, ...]
    cta_words: tuple[str, ...]
    captions: tuple[str, ...]
    bios: tuple[str, ...]
    topics: dict[str, Topic]

"""How people name work rows: by what owns them, which only the apps above know.

An app registers, when it is ready, how to find rows of an app below; that one's commands offer it
as an option without knowing what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from carousel.lib.work import Work


class NothingChosen(LookupError):
    """There is no such thing, or it has no rows of this kind; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Selector:
    """One way to choose rows of ``model``: ``--post ID``.

    ``choose`` takes what was typed after the option and returns ids of rows, making them where
    the owner should have some and has none. It raises NothingChosen.
    """

    model: type[Work]
    option: str
    metavar: str
    help: str
    choose: Callable[[str], Sequence[UUID]]


_selectors: dict[tuple[type[Work], str], Selector] = {}


def register(selector: Selector) -> None:
    """Offer this way to choose rows from now on."""
    _selectors[selector.model, selector.option] = selector


def selectors(model: type[Work]) -> list[Selector]:
    """All ways to choose rows of ``model``, in the order in which they were registered."""
    return [selector for selector in _selectors.values() if selector.model is model]


def choose(model: type[Work], named: dict[str, Sequence[str]]) -> list[UUID] | None:
    """The rows that these options name, each once; None if no option was given.

    ``named`` holds what was typed after each option. Raises NothingChosen.
    """
    given = [(selector, named.get(selector.option) or ()) for selector in selectors(model)]
    if not any(texts for _, texts in given):
        return None
    ids = (pk for selector, texts in given for text in texts for pk in selector.choose(text))
    return list(dict.fromkeys(ids))

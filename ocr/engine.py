"""What is asked of any reader, in words that know no TikTok, no database and no vendor.

A reader is given posts (ordered pictures with a caption) and gives back one result per post, in
the same order. A result holds only what was really answered: a slide that could not be read is
named in ``errors``, a post that could not be read at all carries ``error``, and neither costs
another post its result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from carousel.lib.errors import NotNow, UpstreamError

SlideType = Literal["hook", "content", "cta", "unknown"]
SLIDE_TYPES: tuple[SlideType, ...] = ("hook", "content", "cta", "unknown")


@dataclass(frozen=True, slots=True)
class SlideImage:
    """One picture of a post.

    ``label`` is the caller's name for it, unique within the post. ``content`` is the encoded
    file, or a function that fetches it when its turn comes, so that a large batch never lies in
    memory as a whole; such a function raises ``UpstreamError`` or ``OSError`` where the file
    can't be had. ``width`` and ``height`` are pixels, ``None`` where nobody has looked yet.
    ``position`` counts from 0.
    """

    label: str
    content: bytes | Callable[[], bytes]
    content_type: str
    width: int | None = None
    height: int | None = None
    position: int = 0

    def load(self) -> bytes:
        """Return the encoded file."""
        return self.content if isinstance(self.content, bytes) else self.content()


@dataclass(frozen=True, slots=True)
class KnownSlide:
    """A slide of the post whose text was read before. ``position`` counts from 0."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class PostRequest:
    """One post to read.

    ``key`` is the caller's name for it, unique within a call. ``caption`` is given to the reader
    as context. ``language`` is what the platform says the caption is written in (ISO 639), or "".
    ``slide_count`` is how many slides the whole post has, where only some of them are asked for;
    ``known`` are those that need not be read any more. Without any slide to read, only the
    category is asked for.
    """

    key: str
    caption: str
    language: str
    slides: tuple[SlideImage, ...]
    slide_count: int | None = None
    known: tuple[KnownSlide, ...] = ()


@dataclass(frozen=True, slots=True)
class CategoryChoice:
    """One category a post may be put into."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for every post of a call: the list of categories, and whether a category
    outside it may be answered (the caller decides whether to accept or to propose it)."""

    categories: tuple[CategoryChoice, ...] = ()
    allow_new_categories: bool = True


@dataclass(frozen=True, slots=True)
class ReadError:
    """Why one slide has no result. ``retryable`` says whether the same call may work later."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class SlideResult:
    """What was read on one slide.

    ``text`` keeps line breaks and is "" for a picture without text. ``language`` is an ISO 639
    code in lower case, "" where there is none to tell. ``confidence`` is 0 to 1.
    """

    label: str
    text: str
    description: str
    slide_type: SlideType
    language: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class PostResult:
    """What is known about one post after a call.

    ``slides`` holds the slides that were answered, in the order of the request; every other slide
    has its reason in ``errors`` under its label, unless ``error`` tells it for the whole post.
    ``error`` is ``NotNow`` where a limit of ours (quota, budget, time) came before the post's
    turn. ``category`` is a name from the list, a new one where that was allowed, or None for
    "unknown"; ``category_answered`` is False where nothing was said about it. ``model_version``
    is the model that answered, "" if none did. Tokens and ``cost_usd`` are this post's share of
    the requests it was in, also of failed attempts.
    """

    key: str
    slides: tuple[SlideResult, ...] = ()
    category: str | None = None
    category_confidence: float | None = None
    model_version: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    errors: Mapping[str, ReadError] = field(default_factory=dict)
    error: UpstreamError | NotNow | None = None
    category_answered: bool = True


@dataclass(frozen=True, slots=True)
class RequestEstimate:
    """What a request is about to use, before it is sent.

    Tokens and ``cost_usd`` are what is likely, ``ceiling_usd`` what it can't exceed.
    """

    model: str
    posts: int
    images: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    ceiling_usd: Decimal


def language_code(tag: str) -> str:
    """Return the language of a tag such as ``en-GB`` in lower case, "" where it names none."""
    match = re.match(r"([a-z]{2,3})(?![a-z])", tag.strip().lower())
    return "" if match is None or match[1] in ("un", "und", "zxx", "mul") else match[1]


class TooDear(NotNow):
    """The request does not fit into what is left of a budget; a smaller one might."""


class Ticket(Protocol):
    """One request that was let through the gate; what it came to is told once."""

    def paid(self, input_tokens: int, output_tokens: int, cost_usd: Decimal) -> None:
        """It was answered."""

    def failed(self, code: str, *, may_cost: bool) -> None:
        """It was not; ``may_cost`` where nobody can tell whether it will be billed."""


class Gate(Protocol):
    """Stands before every paid request, so that limits can be shared by all workers."""

    def enter(self, estimate: RequestEstimate) -> Ticket:
        """Let the request pass, or raise ``NotNow`` (``TooDear`` if a smaller one might pass)."""

    def pause(self, wait: float, reason: str) -> None:
        """Hear that the service asked everybody to wait (seconds): quotas are per project."""

    def close(self, error: UpstreamError) -> NotNow | UpstreamError:
        """Hear that any other request would be refused too; returns what to raise instead."""


class Engine(Protocol):
    """A reader. ``model`` and ``prompt_version`` with ``name`` identify how a text came to be."""

    @property
    def name(self) -> str:
        """Short stable name, for example ``local``."""

    @property
    def model(self) -> str:
        """The model that will be asked."""

    @property
    def prompt_version(self) -> str:
        """Changes whenever the same picture could be answered differently by intent."""

    @property
    def max_posts(self) -> int:
        """Posts that are worth handing over in one call."""

    @property
    def max_images(self) -> int:
        """Images that are worth handing over in one call."""

    @property
    def max_bytes(self) -> int:
        """Encoded bytes of images that are worth handing over in one call."""

    def read(self, posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        """Read the posts and return one result per post, in the same order.

        A call larger than the limits is split, never refused. Raises ``NotNow`` (quota, budget)
        or ``UpstreamError`` (key, model, outage) only when nothing at all could be done for any
        post; everything smaller is told in the results.
        """

"""What is known so far about each post of a call, and what is still to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from carousel.lib.errors import NotNow, UpstreamError
from ocr.engine import PostRequest, PostResult, ReadError, SlideImage, SlideResult
from ocr.gemini.answers import CategoryAnswer
from ocr.gemini.images import PreparedImage


@dataclass(frozen=True, slots=True)
class Ask:
    """One slide ready to be sent, or no ``image``: only the post's category is asked for.

    ``label`` is its name on the wire, unique within a call; without an image it is the post's.
    """

    label: str
    post: Post
    image: PreparedImage | None

    @property
    def is_judging(self) -> bool:
        """Whether it asks for nothing but the post's category."""
        return self.label == self.post.label


@dataclass(frozen=True, slots=True)
class Bundle:
    """The slides of one request. ``tries`` counts the rounds that brought nothing new."""

    asks: tuple[Ask, ...]
    tries: int = 0

    def posts(self) -> list[tuple[Post, list[Ask]]]:
        """Return the posts with their slides, both in the order of the call."""
        grouped: dict[str, tuple[Post, list[Ask]]] = {}
        for ask in self.asks:
            grouped.setdefault(ask.post.label, (ask.post, []))[1].append(ask)
        return list(grouped.values())

    def halves(self) -> list[Bundle]:
        """Return two bundles, cut between posts where there is more than one, else in a post."""
        groups = [asks for _, asks in self.posts()]
        if len(groups) == 1:
            groups = [[ask] for ask in self.asks]
        middle = len(groups) // 2
        return [
            Bundle(tuple(ask for group in part for ask in group), self.tries)
            for part in (groups[:middle], groups[middle:])
        ]


@dataclass(slots=True, eq=False)
class Post:
    """One post and everything that was learned about it."""

    label: str
    request: PostRequest
    answered: dict[str, SlideResult] = field(default_factory=dict)
    errors: dict[str, ReadError] = field(default_factory=dict)
    category: CategoryAnswer | None = None
    category_answered: bool = False
    model_version: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def wire_label(self, slide: SlideImage) -> str:
        """Return ``p1s0`` for the first slide of the first post; positions that repeat are told
        apart by their place in the request."""
        positions = [each.position for each in self.request.slides]
        number = slide.position
        if positions.count(number) > 1:
            number = max(positions) + 1 + self.request.slides.index(slide)
        return f"{self.label}s{number}"

    def untouched(self) -> bool:
        """Whether nothing at all came of this post so far."""
        return not (self.answered or self.errors or self.input_tokens)

    def result(self, stopped: NotNow | UpstreamError | None) -> PostResult:
        """Return what the caller gets; ``stopped`` is what ended the call before its end."""
        labels = {self.wire_label(slide): slide.label for slide in self.request.slides}
        open_ = [label for label in labels if label not in self.answered | self.errors]
        return PostResult(
            key=self.request.key,
            slides=tuple(
                _renamed(self.answered[wire], label)
                for wire, label in labels.items()
                if wire in self.answered
            ),
            category=self.category.name if self.category else None,
            category_confidence=self.category.confidence if self.category else None,
            model_version=self.model_version,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=self.cost_usd,
            errors={labels.get(wire, wire): error for wire, error in self.errors.items()},
            error=stopped if open_ or not self._judged() else self._blocked(),
            category_answered=self.category_answered,
        )

    def _judged(self) -> bool:
        """Whether a post of which only the category was asked for has been dealt with."""
        return bool(self.request.slides or self.category_answered or self.errors)

    def _blocked(self) -> UpstreamError | None:
        """Return an error for a post of which Gemini would not look at a single slide."""
        if not self.request.slides:
            return None
        codes = {error.code for error in self.errors.values()}
        if self.answered or not codes or not all(code.startswith("blocked_") for code in codes):
            return None
        first = next(iter(self.errors.values()))
        return UpstreamError(first.message, code="blocked", retryable=False)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """Split ``total`` in proportion to the weights, into whole numbers that add up to it."""
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    done, given, result = 0, 0, []
    for weight in weights:
        done += weight
        result.append(total * done // whole - given)
        given += result[-1]
    return result


def _renamed(slide: SlideResult, label: str) -> SlideResult:
    return SlideResult(
        label=label,
        text=slide.text,
        description=slide.description,
        slide_type=slide.slide_type,
        language=slide.language,
        confidence=slide.confidence,
    )

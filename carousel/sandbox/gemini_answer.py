"""Writes the answer in the shape of the request's schema, by the meaning of the fields' names.

| field (case and ``_`` do not matter) | gets |
|---|---|
| label, id, key, ref, slide, image, post, name | the label; digits of it for an integer |
| index, number, position, page, ordinal | the digits in the label, else the place in the request |
| text, transcript, transcription, ocr, ocrtext, content | the text on the slide |
| description, summary, visual, scene, alt | a sentence about the picture |
| slidetype, type, role, kind, purpose | hook, content, cta or unknown |
| language, lang, locale | two letters |
| category, topic, niche, categoryname | the post's category |
| categoryconfidence, confidence, score, probability | 0 to 1 |

An array of objects that hold an array themselves, or a name that says post or carousel, is one item
per post; any other array of objects is one per slide. An ``enum`` gets its member that is equal
but for case, else ``unknown`` or ``other``, else its first.
"""

from __future__ import annotations

import re
from typing import Any

from carousel.sandbox.gemini_parts import Asked, PostAnswer, SlideAnswer, pick

Json = dict[str, Any]
Scope = Asked | PostAnswer | SlideAnswer

DEFAULT_SCHEMA: Json = {
    "type": "OBJECT",
    "properties": {
        "posts": {
            "type": "ARRAY",
            "items": {
                "type": "OBJECT",
                "properties": {
                    "label": {"type": "STRING"},
                    "category": {"type": "STRING"},
                    "category_confidence": {"type": "NUMBER"},
                    "slides": {
                        "type": "ARRAY",
                        "items": {
                            "type": "OBJECT",
                            "properties": {
                                name: {"type": "NUMBER" if name == "confidence" else "STRING"}
                                for name in (
                                    "label",
                                    "text",
                                    "description",
                                    "slide_type",
                                    "language",
                                    "confidence",
                                )
                            },
                        },
                    },
                },
            },
        }
    },
}
"""What is answered as JSON when no schema is sent."""

OFF_ENUM = "interlude"
"""A slide type that no schema allows."""

_MEANINGS: dict[str, str] = {
    **dict.fromkeys(("label", "id", "key", "ref", "slide", "image", "post", "name"), "label"),
    **dict.fromkeys(("index", "number", "position", "page", "ordinal"), "ordinal"),
    **dict.fromkeys(("text", "transcript", "transcription", "ocr", "ocrtext", "content"), "text"),
    **dict.fromkeys(("description", "summary", "visual", "scene", "alt"), "description"),
    **dict.fromkeys(("slidetype", "type", "role", "kind", "purpose"), "slide_type"),
    **dict.fromkeys(("language", "lang", "locale"), "language"),
    **dict.fromkeys(("category", "topic", "niche", "categoryname"), "category"),
    **dict.fromkeys(("confidence", "score", "probability", "categoryconfidence"), "confidence"),
}


class Writer:
    """Fills one schema."""

    def __init__(self, schema: Json) -> None:
        self.root = schema

    def write(self, asked: Asked) -> Any:
        """The answer."""
        return self._value("", self.root, asked)

    def _value(self, name: str, schema: Json, scope: Scope) -> Any:
        schema = self._resolved(schema)
        kind = _type_of(schema)
        if kind == "OBJECT":
            properties = schema.get("properties", {})
            return {key: self._value(key, sub, scope) for key, sub in properties.items()}
        if kind == "ARRAY":
            items = self._resolved(schema.get("items", {}))
            if _type_of(items) != "OBJECT":
                return []
            return [self._value(name, items, child) for child in self._children(name, items, scope)]
        return _scalar(name, kind, schema.get("enum"), scope)

    def _children(self, name: str, items: Json, scope: Scope) -> list[Any]:
        if isinstance(scope, SlideAnswer):
            return []
        if isinstance(scope, PostAnswer):
            return list(scope.slides)
        holds_array = any(
            _type_of(self._resolved(sub)) == "ARRAY" for sub in items.get("properties", {}).values()
        )
        by_post = holds_array or "post" in name.lower() or "carousel" in name.lower()
        return list(scope.posts if by_post else scope.slides)

    def _resolved(self, schema: Json) -> Json:
        """Follow ``$ref`` and take the first alternative that is not null."""
        while True:
            choices = pick(schema, "anyOf")
            if "$ref" in schema:
                schema = self.root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
            elif choices:
                schema = next(one for one in choices if _type_of(one) != "NULL")
            else:
                return schema


def _type_of(schema: Json) -> str:
    kind = schema.get("type", "OBJECT" if "properties" in schema else "STRING")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    return str(kind).upper()


def _scalar(name: str, kind: str, enum: list[Any] | None, scope: Scope) -> Any:
    meaning = _MEANINGS.get(re.sub(r"[^a-z]", "", name.lower()), "")
    value = _known(meaning, scope)
    if enum:
        return _member(enum, value)
    if kind == "BOOLEAN":
        return False
    if kind in ("INTEGER", "NUMBER"):
        return _as_number(value, kind, scope)
    return "" if value is None else str(value)


def _known(meaning: str, scope: Scope) -> Any:
    if not meaning or isinstance(scope, Asked):
        return None
    if meaning == "confidence" and isinstance(scope, PostAnswer):
        return min((slide.confidence for slide in scope.slides), default=0.0)
    if meaning == "ordinal":
        meaning = "label" if re.search(r"\d", scope.label) else meaning
    return getattr(scope, meaning, None)


def _member(enum: list[Any], value: Any) -> Any:
    if value == OFF_ENUM:
        return value
    for wanted in (str(value), "unknown", "other"):
        for member in enum:
            if str(member).lower() == wanted.lower():
                return member
    return enum[0]


def _as_number(value: Any, kind: str, scope: Scope) -> float | int:
    if isinstance(value, str):
        digits = re.findall(r"\d+", value)
        value = int(digits[-1]) if digits else getattr(scope, "ordinal", 0)
    value = value or 0
    return int(value) if kind == "INTEGER" else value


def plain(asked: Asked) -> str:
    """The answer when no JSON was asked for."""
    return "\n\n".join(f"{slide.label}:\n{slide.text}" for slide in asked.slides)


def mislabel(asked: Asked, faults: dict[str, float | None]) -> None:
    """Faults of labels and fields, in place."""
    for post in asked.posts:
        _miscount(post.slides, faults)
    for slide in asked.slides:
        if "wrong_label" in faults:
            slide.label = f"x{slide.label}x"
        if "unknown_type" in faults:
            slide.slide_type = OFF_ENUM
        if "nul_text" in faults:
            slide.text = f"\u0000{slide.text}"


def _miscount(slides: list[SlideAnswer], faults: dict[str, float | None]) -> None:
    if "duplicate_label" in faults and slides:
        first = slides[0]
        slides.append(SlideAnswer(first.label, first.ordinal, text="nonsense"))
    if "missing_label" in faults and slides:
        slides.pop()
    if "extra_label" in faults:
        slides.append(SlideAnswer("p99s99", 99, text="a slide nobody sent"))

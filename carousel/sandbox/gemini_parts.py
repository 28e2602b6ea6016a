"""What a generateContent request asks: labelled pictures, grouped by post, and their tokens.

A text part that has a line ``POST label`` begins a post. The last line of the text before a picture
is its label, without a leading word such as ``SLIDE`` or ``Image`` and without a colon at its end.
Keys are understood in camelCase and in snake_case, and image data in both base64 alphabets, since
one request of the real SDK mixes them (upstream notes, 5.2).
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from carousel.sandbox import draw, fingerprint
from carousel.sandbox.chance import number
from carousel.sandbox.failures import google_error
from carousel.sandbox.wire import Response
from carousel.sandbox.world import DEMO_HANDLES, Creator, World

Json = dict[str, Any]

MIME_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
IMAGE_TOKENS = {"LOW": 280, "MEDIUM": 560, "HIGH": 1120, "ULTRA_HIGH": 2240}
"""Tokens per image by media resolution, Gemini 3; 2.x models count 258."""

_LABEL = re.compile(r"(?:slide|image|picture|photo|page)\s+(?P<label>\S.*)", re.IGNORECASE)
_POST = re.compile(r"^\s*POST\s+(?P<label>\S+?):?(?:\s|$)")


class BadRequest(Exception):
    """The request is answered with an error."""

    def __init__(self, message: str, code: int = 400) -> None:
        super().__init__(message)
        self.response: Response = google_error(code, message)


@dataclass
class SlideAnswer:
    """What is said about one picture; ``key`` is its creator's, empty for an unknown picture."""

    label: str
    ordinal: int
    key: str = ""
    text: str = ""
    description: str = "A picture without text."
    slide_type: str = "unknown"
    language: str = ""
    confidence: float = 0.2
    category: str = "Unknown"


@dataclass
class PostAnswer:
    """What is said about one post."""

    label: str
    slides: list[SlideAnswer] = field(default_factory=list)

    @property
    def category(self) -> str:
        """The category of its first slide that is known."""
        return next((slide.category for slide in self.slides if slide.key), "Unknown")


@dataclass
class Asked:
    """A request, understood: what to answer, and what it costs."""

    posts: list[PostAnswer]
    text_tokens: int
    image_tokens: int

    @property
    def slides(self) -> list[SlideAnswer]:
        """All slides of all posts, in order."""
        return [slide for post in self.posts for slide in post.slides]


def pick(source: Any, name: str, default: Any = None) -> Any:
    """A value by its camelCase name, or by the same name in snake_case."""
    if not isinstance(source, dict):
        return default
    snake = re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)
    return source.get(name, source.get(snake, default))


class Eye:
    """Recognises slides: from the strip in the picture to the truth about it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._codes: dict[int, str] = {}

    def look(self, content: bytes, label: str, ordinal: int) -> SlideAnswer:
        """The truth about a picture. Raises ``BadRequest`` when it can't be decoded."""
        try:
            with Image.open(io.BytesIO(content)) as image:
                identity = fingerprint.read(image)
        except (OSError, ValueError, SyntaxError) as error:
            message = "Unable to process input image. Please retry or report."
            raise BadRequest(message) from error
        answer = SlideAnswer(label, ordinal)
        creator = self._creator(identity.creator) if identity else None
        if identity is None or creator is None:
            return answer
        post = creator.post(identity.slot)
        if identity.position >= len(post.slides):
            return answer
        slide = post.slides[identity.position]
        answer.key, answer.category, answer.language = creator.key, post.category, post.language
        answer.text, answer.description = self.world.text_of(slide), slide.description
        answer.slide_type = slide.slide_type
        answer.confidence = (90 + number(post.id, slide.position, bits=16) % 10) / 100
        return answer

    def _creator(self, code: int) -> Creator | None:
        if code not in self._codes:
            self._learn()
        key = self._codes.get(code)
        return self.world.creator(key) if key else None

    def _learn(self) -> None:
        """Note the codes of everybody seen, of the demo, and of the first few thousand others."""
        families = [f"{name}.{index}" for name in ("creator", "load") for index in range(3000)]
        for key in (*DEMO_HANDLES, *self.world.keys_seen(), *families):
            self._codes[draw.creator_code(self.world.seed, key)] = key


def understand(
    body: Json, model: str, eye: Eye, open_file: Callable[[str], tuple[bytes, str]]
) -> Asked:
    """Read the contents. Raises ``BadRequest`` on what the real service rejects."""
    contents = pick(body, "contents") or []
    if not contents:
        raise BadRequest("* GenerateContentRequest.contents: contents is not specified")
    config = pick(body, "generationConfig") or {}
    usual = pick(config, "mediaResolution") or "MEDIA_RESOLUTION_HIGH"
    posts: list[PostAnswer] = []
    text, before, image_tokens, count = "", "", 0, 0
    for part in _parts(contents):
        words = pick(part, "text")
        if words is not None:
            text, before = text + words, words
            _begin_posts(words, posts)
            continue
        content = _picture(part, open_file)
        count += 1
        image_tokens += _tokens(part, usual, model)
        if not posts:
            posts.append(PostAnswer("p1"))
        posts[-1].slides.append(eye.look(content, _label(before, count), count))
        before = ""
    system = " ".join(str(pick(part, "text")) for part in _parts(pick(body, "systemInstruction")))
    return Asked(posts, (len(text) + len(system)) // 4, image_tokens)


def _parts(contents: Any) -> list[Any]:
    listed = contents if isinstance(contents, list) else [contents]
    found: list[Any] = []
    for content in listed:
        parts = pick(content, "parts") or []
        found += parts if isinstance(parts, list) else [parts]
    return found


def _begin_posts(words: str, posts: list[PostAnswer]) -> None:
    for line in words.splitlines():
        begins = _POST.match(line)
        if begins:
            posts.append(PostAnswer(begins["label"]))


def _label(before: str, ordinal: int) -> str:
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    if not lines:
        return str(ordinal)
    line = lines[-1].rstrip(":").rstrip()
    named = _LABEL.fullmatch(line)
    return named["label"] if named else line


def _picture(part: Any, open_file: Callable[[str], tuple[bytes, str]]) -> bytes:
    inline, file = pick(part, "inlineData"), pick(part, "fileData")
    if inline is not None:
        content, mime = _decode(str(pick(inline, "data", ""))), str(pick(inline, "mimeType", ""))
    elif file is not None:
        content, mime = open_file(str(pick(file, "fileUri", "")))
        mime = str(pick(file, "mimeType", mime))
    else:
        raise BadRequest("Invalid value: a part must have text, inlineData or fileData")
    if mime not in MIME_TYPES:
        raise BadRequest(f"Unsupported MIME type: {mime}")
    if _sniff(content) != mime.replace("heif", "heic"):
        raise BadRequest("Unable to process input image. Please retry or report.")
    return content


def _decode(data: str) -> bytes:
    plain = data.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise BadRequest("Invalid value at 'contents[0].parts': Base64 decoding failed") from error


def _sniff(content: bytes) -> str:
    heads = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
    for head, mime in heads.items():
        if content.startswith(head):
            return mime
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    brands = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
    return "image/heic" if content[4:8] == b"ftyp" and content[8:12] in brands else ""


def _tokens(part: Any, usual: str, model: str) -> int:
    own = pick(part, "mediaResolution")
    if model.startswith("gemini-2"):
        if own is not None:
            raise BadRequest("Per part media resolution is not supported for this Model.")
        return 258
    level = pick(own, "level") if isinstance(own, dict) else own
    return IMAGE_TOKENS.get(str(level or usual).removeprefix("MEDIA_RESOLUTION_"), 1120)

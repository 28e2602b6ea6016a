"""TikTok's CDN: serves what a good link leads to, drawn when it is first asked for."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection

from carousel.sandbox import draw, media
from carousel.sandbox.awemes import sound_of
from carousel.sandbox.chance import number
from carousel.sandbox.clock import Clock
from carousel.sandbox.failures import cdn_denied
from carousel.sandbox.links import Found, Links, Refused
from carousel.sandbox.posts import Post
from carousel.sandbox.wire import Request, Response
from carousel.sandbox.world import World

_ASKED = re.compile(r"[?&]fault=[^&]*$")


class ByteCache:
    """The most recent files, up to ``limit`` bytes. Each is made once, however many ask at once."""

    def __init__(self, limit: int = 160_000_000) -> None:
        self.limit = limit
        self._files: OrderedDict[object, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._making: dict[object, threading.Lock] = {}

    def get(self, key: object, make: Callable[[], bytes]) -> bytes:
        """The file of that key, made by ``make`` if it is not there."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._files:
                    self._files.move_to_end(key)
                    return self._files[key]
            try:
                content = make()
                self._keep(key, content)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return content

    def _keep(self, key: object, content: bytes) -> None:
        with self._lock:
            self._files[key] = content
            self._size += len(content)
            while self._size > self.limit and len(self._files) > 1:
                _, old = self._files.popitem(last=False)
                self._size -= len(old)


class Cdn:
    """Answers every path that is not the API's, Gemini's or the sandbox's own."""

    def __init__(self, world: World, clock: Clock, links: Links) -> None:
        self.world, self.clock, self.links = world, clock, links
        self.files = ByteCache()

    def find(self, request: Request) -> Found:
        """What the request's link leads to now. Raises ``Refused``."""
        return self.links.open(_ASKED.sub("", request.target), self.clock.now())

    def answer(self, request: Request, found: Found, faults: Collection[str] = ()) -> Response:
        """The file, whole or the range that was asked for."""
        if "redirect_off_domain" in faults:
            return Response(302, headers={"Location": "http://example.com/moved.jpeg"})
        if "redirect_loop" in faults:
            return Response(302, headers={"Location": request.target})
        try:
            body = self.files.get(found, lambda: self._make(found))
        except Refused as refused:
            return cdn_denied(refused.status)
        headers = {
            "Content-Type": self._type(found),
            "Accept-Ranges": "bytes",
            "Cache-Control": "max-age=31536000",
            "Server": "nginx",
        }
        return _ranged(request, body, headers)

    def _type(self, found: Found) -> str:
        """The content type, which lies for one file in eleven, as CDNs do."""
        lies = number(self.world.seed, "lie", found.asset, found.ending, bits=32) % 11 == 0
        if found.ending in ("mp4", "mp3"):
            honest = {"mp4": "video/mp4", "mp3": "audio/mpeg"}[found.ending]
            return "application/octet-stream" if lies else honest
        return "image/jpeg" if lies else media.IMAGE_TYPES.get(found.ending, "image/jpeg")

    def _make(self, found: Found) -> bytes:
        creator = self.world.creator(found.asset.key)
        if creator is None:
            raise Refused(404, "no such creator")
        if found.asset.kind == "avatar":
            edge = _edge(found.template)
            return media.avatar(creator.seed, creator.key, creator.nickname, edge, found.ending)
        post = creator.post(found.asset.slot)
        if post.created > self.clock.now():
            raise Refused(404, "not published yet")
        if found.ending == "mp3":
            return media.sound(sound_of(post))
        if found.ending == "mp4":
            return _clip(post)
        return self._picture(post, found)

    def _picture(self, post: Post, found: Found) -> bytes:
        position, template = found.asset.position, found.template
        if "image-cover" in template or found.asset.kind == "cover":
            return media.cover(post, found.ending)
        if position >= len(post.slides):
            raise Refused(404, "no such slide")
        if "zoomcover" in template:
            return media.encode(draw.slide(post, position).resize((480, 640)), found.ending)
        return media.slide(post, position, found.ending, emoji=self.world.emoji_slides)


def _edge(template: str) -> int:
    """The edge in ``c5_1080x1080`` or ``tiktokx-cropcenter-q:100:100:q75``, at most 1080."""
    size = re.search(r"(\d{2,4})[x:]\d", template)
    return min(1080, int(size[1])) if size else 720


def _clip(post: Post) -> bytes:
    if post.is_photo:
        raise Refused(404, "a photo post has no clip")
    return media.video(post)


def _ranged(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if not wanted:
        return Response(200, body, headers)
    first = int(wanted[1])
    last = min(int(wanted[2] or len(body)), len(body) - 1)
    if first > last:
        return Response(416, b"", {"Content-Range": f"bytes */{len(body)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return Response(206, body[first : last + 1], headers)

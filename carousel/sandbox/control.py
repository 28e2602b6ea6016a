"""The sandbox's own pages, under ``/-/``: the truth, the clock, faults, credits, counters.

| page | what it does |
|---|---|
| GET /-/handles | the demo's handles, the families ``creator.N`` and ``load.N``, fault names |
| GET /-/truth, /-/truth/HANDLE, /-/truth/HANDLE/POST_ID | what is to be found |
| GET /-/clock | the sandbox's time |
| GET or POST /-/advance?seconds=S | move it |
| GET /-/stats, POST /-/stats/clear | counters per endpoint |
| GET, POST, DELETE /-/faults | list, add (see ``faults.py``), forget faults |
| GET /-/credits, POST /-/credits {"balance": N} | the ScrapeCreators account |
| POST /-/rename {"from", "to"}, /-/recycle {"handle"} | what happens to accounts |
| POST /-/remove {"handle" or "post"}, /-/restore | deletions, and their undoing |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from carousel.sandbox.faults import FAULTS
from carousel.sandbox.links import Asset
from carousel.sandbox.posts import Post
from carousel.sandbox.wire import Request, Response, as_json
from carousel.sandbox.world import DEMO_HANDLES, Creator

if TYPE_CHECKING:
    from carousel.sandbox.server import Application

Json = dict[str, Any]


class Control:
    """Answers ``/-/`` pages. Errors are 400 or 404 with ``{"error": …}``."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def answer(self, request: Request) -> Response:
        """Any ``/-/`` request."""
        name, _, rest = request.path.removeprefix("/-/").partition("/")
        page = self._pages().get(name)
        if page is None:
            return as_json({"error": f"No page {request.path}"}, 404)
        try:
            return as_json(page(request, rest))
        except KeyError as error:
            return as_json({"error": f"Unknown or missing: {error.args[0]}"}, 404)
        except (ValueError, TypeError) as error:
            return as_json({"error": str(error)}, 400)

    def _pages(self) -> dict[str, Callable[[Request, str], Json]]:
        return {
            "handles": self._handles,
            "truth": self._truth,
            "clock": lambda request, rest: {"now": self.application.clock.now()},
            "advance": self._advance,
            "stats": self._stats,
            "faults": self._faults,
            "credits": self._credits,
            "rename": self._rename,
            "recycle": self._recycle,
            "remove": self._remove,
            "restore": self._restore,
        }

    def demo_handles(self) -> list[str]:
        """The handles that the demo adds: four with a name, then ``creator.N``."""
        count = self.application.options.profiles
        more = [f"creator.{number}" for number in range(5, count + 1)]
        return [*DEMO_HANDLES[:count], *more]

    def truth(self, handle: str) -> Json:
        """Everything about a handle now. Raises ``KeyError``."""
        creator = self.application.world.by_handle(handle)
        if creator is None:
            raise KeyError(handle)
        now, removed = self.application.clock.now(), self.application.world.removed
        posts = [post for post in creator.listed(now) if post.id not in removed]
        told = [self._post(creator, post, now) for post in posts]
        return {
            "handle": creator.handle,
            "userId": creator.uid,
            "secUid": creator.sec_uid,
            "nickname": creator.nickname,
            "bio": creator.bio,
            "language": creator.language,
            "followers": creator.followers(now),
            "counts": _totals(posts),
            "posts": told,
        }

    def _post(self, creator: Creator, post: Post, now: float) -> Json:
        links = self.application.links
        return {
            "id": post.id,
            "contentType": "photo" if post.is_photo else "video",
            "category": post.category if post.is_photo else None,
            "language": post.language,
            "caption": post.caption,
            "title": post.title,
            "hashtags": list(post.hashtags),
            "mentions": [post.mention] if post.mention else [],
            "createdAt": post.created,
            "pinned": post.pinned,
            "durationMs": post.duration_ms or None,
            "formats": list(post.formats) if post.is_photo else [],
            "statistics": asdict(post.counts(now, falling=creator.falling)),
            "slides": [
                {
                    **asdict(slide),
                    "text": self.application.world.text_of(slide),
                    "uri": links.uri(Asset(post.key, post.slot, "slide", slide.position)),
                }
                for slide in post.slides
            ],
        }

    def _handles(self, request: Request, rest: str) -> Json:
        return {
            "demo": self.demo_handles(),
            "families": ["creator.N", "load.N", "fault.NAME"],
            "faults": FAULTS,
        }

    def _truth(self, request: Request, rest: str) -> Json:
        if not rest:
            return {"profiles": [self.truth(handle) for handle in self.demo_handles()]}
        handle, _, post_id = rest.partition("/")
        if not post_id:
            return self.truth(handle)
        creator = self.application.world.by_handle(handle)
        now = self.application.clock.now()
        post = creator.find(post_id, now) if creator else None
        if creator is None or post is None:
            raise KeyError(rest)
        return self._post(creator, post, now)

    def _advance(self, request: Request, rest: str) -> Json:
        seconds = float(request.query.get("seconds") or request.json()["seconds"])
        return {"now": self.application.clock.advance(seconds)}

    def _stats(self, request: Request, rest: str) -> Json:
        if rest == "clear":
            self.application.stats.clear()
        return self.application.stats.listing()

    def _faults(self, request: Request, rest: str) -> Json:
        book = self.application.faults
        if request.method == "DELETE":
            book.clear()
        elif request.method == "POST":
            book.add(**request.json())
        return {"faults": book.listing()}

    def _credits(self, request: Request, rest: str) -> Json:
        account = self.application.account
        if request.method == "POST":
            account.set_balance(int(request.json()["balance"]))
        return {"balance": account.credits, "calls": len(account.calls)}

    def _rename(self, request: Request, rest: str) -> Json:
        body = request.json()
        self.application.world.rename(body["from"], body["to"])
        return {"handle": body["to"]}

    def _recycle(self, request: Request, rest: str) -> Json:
        handle = request.json()["handle"]
        self.application.world.recycle(handle)
        return {"handle": handle}

    def _remove(self, request: Request, rest: str) -> Json:
        world, body = self.application.world, request.json()
        if "post" in body:
            world.removed.add(str(body["post"]))
        else:
            creator = world.by_handle(body["handle"])
            if creator is None:
                raise KeyError(body["handle"])
            world.removed.add(creator.key)
        return {"removed": sorted(world.removed)}

    def _restore(self, request: Request, rest: str) -> Json:
        self.application.world.removed.clear()
        return {"removed": []}


def _totals(posts: list[Post]) -> Json:
    photos = [post for post in posts if post.is_photo]
    slides = [slide for post in photos for slide in post.slides]
    return {
        "posts": len(posts),
        "photos": len(photos),
        "videos": len(posts) - len(photos),
        "slides": len(slides),
        "heicOnlySlides": sum(len(post.slides) for post in photos if set(post.formats) == {"heic"}),
        "characters": sum(len(slide.text) for slide in slides),
    }

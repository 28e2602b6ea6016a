"""The sandbox's world: creators with habits, their posts, and what is written on every slide.

All of it is a function of the seed, a handle and the time. Nothing is stored, so a sandbox that is
started again tells the same story. Every creator posts in time slots of its own rhythm, counted
from ``BEGINNING``; at any moment the newest ``keep`` posts are on the profile (older ones are
archived by their creator: no longer listed, still answering by their URL).
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, replace
from functools import lru_cache

from carousel.sandbox.chance import dice, hexed, number
from carousel.sandbox.phrases import CATEGORIES, LANGUAGES
from carousel.sandbox.posts import Post, Slide, build_post

BEGINNING = 1_577_836_800
"""2020-01-01T00:00:00Z, where slot 0 of every creator begins (seconds since the epoch)."""

DEMO_HANDLES = ("fit.with.maya", "geld.einfach", "douce_peau", "ruta.lenta")
"""The demo's creators: together 20 photo posts and 5 videos at any time."""

_DAY = 86_400
_DEMO = {
    "fit.with.maya": ("en", "fitness", "Maya Brooks", 10),
    "geld.einfach": ("de", "finance", "Jonas Köhler", 5),
    "douce_peau": ("fr", "skincare", "Inès Laurent", 5),
    "ruta.lenta": ("es", "travel", "Lucía Peña", 5),
}
_FAMILY = re.compile(r"(?P<family>load|creator)\.(?P<n>\d{1,7})|(?P<fault>fault)\.[a-z0-9_.]{1,26}")
_NAMES = ("Ada", "Noah", "Mina", "Léo", "Sofía", "Jürgen", "Yuki 🌿", "Zoë", "Tom ✨", "Amélie")


@dataclass(frozen=True)
class Creator:
    """One account and its habits. ``interval`` is seconds between posts, ``keep`` posts shown."""

    seed: int
    key: str
    handle: str
    uid: str
    sec_uid: str
    nickname: str
    language: str
    topic: str
    side_topic: str
    bio: str
    verified: bool
    created: int
    interval: int
    keep: int
    page_size: int
    reach: int
    falling: bool
    exact_stats: bool

    @property
    def region(self) -> str:
        """Two-letter country."""
        return {"en": "US", "de": "DE", "fr": "FR", "es": "ES"}[self.language]

    def slot_time(self, slot: int) -> int:
        """When the post of a slot is published (seconds since the epoch)."""
        jitter = number(self.seed, self.key, "jitter", slot, bits=16) / 65_536 * 0.6
        return int(BEGINNING + (slot + jitter) * self.interval)

    def newest_slot(self, now: float) -> int:
        """The slot of the newest post that is out at ``now``."""
        slot = int((now - BEGINNING) // self.interval)
        return slot if self.slot_time(slot) <= now else slot - 1

    def post(self, slot: int) -> Post:
        """The post of one slot."""
        return _post(self, slot)

    def posts(self, now: float) -> list[Post]:
        """The posts on the profile at ``now``, newest first (pinned ones not moved)."""
        newest = self.newest_slot(now)
        return [self.post(slot) for slot in range(newest, newest - self.keep, -1)]

    def listed(self, now: float) -> list[Post]:
        """The posts in the order TikTok lists them: at most three pinned first, then newest first.

        Source: upstream notes 1.5.
        """
        posts = self.posts(now)
        pinned = [post for post in posts if post.pinned][:3]
        rest = [replace(post, pinned=False) for post in posts if post not in pinned]
        return pinned + rest

    def find(self, post_id: str, now: float) -> Post | None:
        """The post with that id, archived or not, if it is this creator's and already out."""
        if not post_id.isdigit():
            return None
        slot = int(((int(post_id) >> 32) - BEGINNING) // self.interval)
        post = self.post(slot)
        return post if post.id == post_id and post.created <= now else None

    def followers(self, now: float) -> int:
        """Followers at ``now``: growing, or falling for an account that people leave."""
        days = (now - self.created) / _DAY
        change = int(days * self.reach / 900)
        return max(0, self.reach * 4 - change) if self.falling else self.reach + change


@lru_cache(maxsize=4096)
def _post(creator: Creator, slot: int) -> Post:
    side = number(creator.seed, creator.key, "side", slot, bits=8) < 50
    return build_post(
        seed=creator.seed,
        key=creator.key,
        slot=slot,
        created=creator.slot_time(slot),
        language=creator.language,
        topic=creator.side_topic if side else creator.topic,
        reach=creator.reach,
        mention=DEMO_HANDLES[slot % len(DEMO_HANDLES)],
    )


@dataclass
class World:
    """Finds creators by handle or id, and remembers who was renamed, replaced or removed.

    ``removed`` holds ids of deleted posts and keys of deleted creators.
    """

    seed: int = 7
    emoji_slides: bool = False
    removed: set[str] = field(default_factory=set)
    _by_uid: dict[str, Creator] = field(default_factory=dict)
    _aliases: dict[str, str | None] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def creator(self, key: str) -> Creator | None:
        """The creator born with that handle, whatever it is called now; ``None`` if impossible."""
        key = key.lower()
        if key.startswith("fault.renamed") and key.endswith(".new"):
            return None  # the name that such an account takes later
        creator = _creator(self.seed, key, self._names.get(key, key))
        if creator is not None:
            self._by_uid[creator.uid] = creator
        return creator

    def by_handle(self, handle: str) -> Creator | None:
        """Who answers to a handle now (case does not matter)."""
        handle = handle.lower()
        key = self._aliases.get(handle, handle)
        if key is None or key in self.removed:
            return None
        return self.creator(key)

    def by_uid(self, uid: str) -> Creator | None:
        """Who has that user id: anyone seen before, the demo, or one of the first 3,000 of load."""
        if uid not in self._by_uid:
            for key in (*DEMO_HANDLES, *(f"load.{n}" for n in range(3000))):
                if self.creator(key) and uid in self._by_uid:
                    break
        found = self._by_uid.get(uid)
        gone = found is None or found.key in self.removed
        return None if found is None or gone else self.creator(found.key)

    def owner(self, post_id: str, now: float) -> Creator | None:
        """Whose post that is, among the creators seen so far."""
        for creator in list(self._by_uid.values()):
            if creator.find(post_id, now):
                return self.by_uid(creator.uid)
        return None

    def reset(self) -> None:
        """Undo every renaming, replacement and removal."""
        with self._lock:
            for changes in (self.removed, self._aliases, self._names, self._by_uid):
                changes.clear()

    def keys_seen(self) -> list[str]:
        """Keys of the creators asked for so far."""
        return [creator.key for creator in list(self._by_uid.values())]

    def text_of(self, slide: Slide) -> str:
        """Everything written on a slide, the drawn heart of ``emoji_slides`` included."""
        return f"{slide.text} ❤️" if self.emoji_slides else slide.text

    def rename(self, old: str, new: str) -> None:
        """The holder of ``old`` is called ``new`` from now on; ``old`` is free.

        Raises ``KeyError`` when nobody holds ``old``.
        """
        with self._lock:
            creator = self.by_handle(old)
            if creator is None:
                raise KeyError(old)
            self._aliases[old.lower()] = None
            self._aliases[new.lower()] = creator.key
            self._names[creator.key] = new.lower()
            self.creator(creator.key)

    def recycle(self, handle: str) -> None:
        """The holder of ``handle`` moves to another name; a stranger answers to it from now on.

        Raises ``KeyError`` when nobody holds it.
        """
        with self._lock:
            self.rename(handle, f"{handle[:28].lower()}.old")
            stranger = f"creator.{number(self.seed, 'recycled', handle, bits=20)}"
            self._aliases[handle.lower()] = stranger
            self._names[stranger] = handle.lower()

    def was_recycled(self, handle: str) -> bool:
        """Whether a stranger answers to the handle."""
        return self._aliases.get(handle.lower(), handle.lower()) != handle.lower()


@lru_cache(maxsize=8192)
def _creator(seed: int, key: str, handle: str) -> Creator | None:
    family = _FAMILY.fullmatch(key)
    if key not in _DEMO and family is None:
        return None
    draw = dice(seed, "creator", key)
    created = BEGINNING - draw.randrange(900 * _DAY)
    topics = list(CATEGORIES)
    language = draw.choice(sorted(LANGUAGES))
    topic, side = draw.sample(topics, 2)
    nickname, keep, page_size = draw.choice(_NAMES), 90, 30
    if key in _DEMO:
        language, topic, nickname, keep = _DEMO[key]
    if key in _DEMO or (family and family["family"] != "load"):
        keep, page_size = (keep if key in _DEMO else 5), 8
    return Creator(
        seed=seed,
        key=key,
        handle=handle,
        uid=str((created << 32) | number(seed, "uid", key, bits=32)),
        sec_uid=f"MS4wLjABAAAA{hexed(52, seed, 'sec', key)}",
        nickname=nickname,
        language=language,
        topic=topic,
        side_topic=side if side != topic else topics[0],
        bio=draw.choice(LANGUAGES[language].bios),
        verified=draw.random() < 0.3,
        created=created,
        interval=draw.randrange(int(1.2 * _DAY), 4 * _DAY),
        keep=keep,
        page_size=page_size,
        reach=int(10 ** draw.uniform(3.5, 6.5)),
        falling=draw.random() < 0.1,
        exact_stats=draw.random() < 0.5,
    )

"""Signed, expiring links with TikTok's anatomy, checked byte for byte.

A picture's link is ``/{uri}~tplv-{template}.{ext}?…&x-expires=…&x-signature=…``, a video's
``/{md5}/{8 hex digits: expiry}/video/tos/…``, a sound's ``/obj/…`` without a signature: TikTok's
own paths, from the root, since readers take names out of them; only the host is ours. The ``uri``
names the asset and never changes; everything else does. Lifetimes are those measured in the
upstream notes, 2.4.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from carousel.sandbox.chance import hexed, number

Kind = Literal["slide", "cover", "avatar", "video", "sound"]
KINDS: tuple[Kind, ...] = ("slide", "cover", "avatar", "video", "sound")

HOUR = 3_600
LIFETIME_HOURS = {"slide": 359, "cover": 12, "avatar": 20, "video": 24, "sound": 168}
"""Hours until a link of that kind answers 403."""

SPACES = {
    "slide": "tos-useast5-i-photomode-tx",
    "cover": "tos-useast5-p-0068-tx",
    "avatar": "tos-useast5-avt-0068-tx",
    "video": "tos-useast5-ve-0068c001-tx",
    "sound": "tos-useast5-v-27dcd7-tx",
}


_CENTRES = ("useast5", "useast8", "no1a")


@dataclass(frozen=True, slots=True)
class Asset:
    """Which file: creator key, post slot (0 for an avatar), kind, and position in the post."""

    key: str
    slot: int
    kind: Kind
    position: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a good link leads to. ``ending`` is the template's last part: heic, webp, image, mp4…"""

    asset: Asset
    template: str
    ending: str


class Refused(Exception):
    """The link does not open: wrong signature, expired, or nothing there. ``status`` is HTTP's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks links. ``base`` is where the CDN is: ``http://127.0.0.1:PORT``."""

    seed: int
    base: str

    def uri(self, asset: Asset) -> str:
        """The stable identity of a file, as TikTok's ``uri``."""
        plain = f"{self.seed}/{asset.key}/{asset.slot}/{asset.kind}/{asset.position}"
        token = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
        return f"{SPACES[asset.kind]}/{token}"

    def picture(self, asset: Asset, template: str, now: float, turn: int, life: float = 0) -> str:
        """A signed picture link, the ``turn``-th of its list; ``life`` in hours, 0: the usual."""
        expires = _expiry(now, life or LIFETIME_HOURS[asset.kind])
        hour = int(now // HOUR)
        prefix = "" if template.startswith("c5_") else "tplv-"
        path = f"/{self.uri(asset)}~{prefix}{template}"
        scene = {"slide": "image", "cover": "cover", "avatar": "avatar"}.get(asset.kind, "image")
        token = number(asset, template, hour, turn, bits=32)
        for nonce in range(64):
            plain = (
                f"{path}?dr=10952&refresh_token={token ^ nonce:08x}&x-expires={expires}"
                f"&x-signature=%&t=5897f7ec&ps=28cf8ac7&idc={_CENTRES[turn % 3]}&s=FEED&sc={scene}"
            )
            signature = self._sign(plain)
            # TikTok's signatures often hold characters that must stay quoted; ours always do.
            if "+" in signature and "/" in signature:
                break
        return self.base + plain.replace("%", quote(signature, safe=""))

    def stream(self, asset: Asset, mime: str, now: float, turn: int, life: float = 0) -> str:
        """A video link, or the MP3 of a photo post: signature and expiry are in the path."""
        expires = _expiry(now, life or LIFETIME_HOURS[asset.kind])
        rest = (
            f"/{expires:08x}/video/tos/useast5/{self.uri(asset)}/?a=1233"
            f"&bti=OHYpOTY0Zik3OjlmOm01MzE6ZDQ0MDo%3D&cd=0%7C0%7C0%7C0&mime_type={mime}"
            f"&rc={hexed(10, asset)}%2F%2B%3D%3D&l={int(now // HOUR)}&btag=e0008{turn}000"
        )
        return f"{self.base}/{hexed(32, self.seed, rest)}{rest}"

    def play(self, asset: Asset, now: float, life: float = 0) -> str:
        """The API's own fallback link, which comes last in a list."""
        token = self.uri(asset).split("/")[1]
        plain = (
            f"/aweme/v1/play/?video_id={token}&line=0&is_play_url=1"
            f"&source=FEED&x-expires={_expiry(now, life or 24)}&signaturev3=%&shp=d05b14bd"
        )
        return self.base + plain.replace("%", quote(self._sign(plain), safe=""))

    def music(self, asset: Asset) -> str:
        """A sound's own link, which has no signature and never expires."""
        return f"{self.base}/obj/{self.uri(asset)}.mp3"

    def open(self, target: str, now: float) -> Found:
        """What a raw request target leads to at ``now``. Raises ``Refused``."""
        path = target.partition("?")[0]
        stream = _STREAM.fullmatch(target)
        if stream:
            if hexed(32, self.seed, stream["rest"]) != stream["md5"]:
                raise Refused(403, "signature")
            if int(stream["expires"], 16) < now:
                raise Refused(403, "expired")
            ending = "mp3" if "mime_type=audio_mpeg" in target else "mp4"
            return Found(self._asset(stream["token"]), "", ending)
        music = _MUSIC.fullmatch(path)
        if music:
            return Found(self._asset(music["token"]), "", "mp3")
        picture = _PICTURE.fullmatch(path)
        play = re.match(r"/aweme/v1/play/\?video_id=([\w-]+)", target)
        if not picture and not play:
            raise Refused(404, "no such path")
        self._check(target, now)
        if picture:
            template, _, ending = picture["template"].rpartition(".")
            return Found(self._asset(picture["token"]), template, ending)
        asset = self._asset(play[1] if play else "")
        return Found(asset, "", "mp3" if asset.kind == "sound" else "mp4")

    def _check(self, target: str, now: float) -> None:
        signed = re.search(r"&(?:x-signature|signaturev3)=([^&]*)", target)
        if not signed:
            raise Refused(403, "signature missing")
        plain = target[: signed.start(1)] + "%" + target[signed.end(1) :]
        if quote(self._sign(plain), safe="") != signed[1]:
            raise Refused(403, "signature")
        expires = re.search(r"x-expires=(\d+)", target)
        if not expires or int(expires[1]) < now:
            raise Refused(403, "expired")

    def _asset(self, token: str) -> Asset:
        try:
            plain = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
            seed, key, slot, kind, position = plain.split("/")
            known = KINDS[KINDS.index(kind)]
            asset = Asset(key, int(slot), known, int(position))
        except ValueError as error:
            raise Refused(404, "unknown uri") from error
        if int(seed) != self.seed:
            raise Refused(404, "another world's uri")
        return asset

    def _sign(self, plain: str) -> str:
        raw = hashlib.sha1(f"{self.seed}{plain}".encode(), usedforsecurity=False).digest()
        return base64.b64encode(raw).decode()


def _expiry(now: float, hours: float) -> int:
    """Rounded up to the hour like TikTok's, unless it is meant to be in the past."""
    end = now + hours * HOUR
    return int(end) if hours < 0 else math.ceil(end / HOUR) * HOUR


_PICTURE = re.compile(r"/[\w-]+/(?P<token>[\w-]+)~(?:tplv-)?(?P<template>[\w:.-]+)")
_MUSIC = re.compile(r"/obj/[\w-]+/(?P<token>[\w-]+)\.mp3")
_STREAM = re.compile(
    r"/(?P<md5>[0-9a-f]{32})"
    r"(?P<rest>/(?P<expires>[0-9a-f]{8})/video/tos/useast5/[\w-]+/(?P<token>[\w-]+)/\?.*)"
)

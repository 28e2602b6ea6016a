"""A profile as ScrapeCreators answers it (upstream notes, 1.4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from carousel.sandbox.links import Asset, Links
from carousel.sandbox.world import Creator

Json = dict[str, Any]


def profile(
    creator: Creator, links: Links, now: float, listed: int, faults: Collection[str] = ()
) -> Json:
    """``user``, ``stats`` (rounded), ``statsV2`` (exact, strings) for half of the accounts."""
    avatar = Asset(creator.key, 0, "avatar")
    life = -1.0 if "expired_links" in faults else 0.0

    def picture(edge: int) -> str:
        return links.picture(avatar, f"c5_{edge}x{edge}.jpeg", now, 0, life)

    user: Json = {
        "id": creator.uid,
        "shortId": "",
        "uniqueId": creator.handle,
        "nickname": creator.nickname + ("\u0000\ud83d" if "bad_text" in faults else ""),
        "avatarLarger": picture(1080),
        "avatarMedium": picture(720),
        "avatarThumb": picture(100),
        "signature": creator.bio + "\nmail@example.com",
        "createTime": creator.created,
        "verified": creator.verified,
        "secUid": creator.sec_uid,
        "ftc": False,
        "relation": 0,
        "commerceUserInfo": {"commerceUser": False},
        "privateAccount": "private" in faults,
        "secret": "private" in faults,
        "roomId": "",
        "uniqueIdModifyTime": 0,
        "nickNameModifyTime": 0,
        "ttSeller": False,
        "language": creator.language,
        "eventList": [],
        "isOrganization": 0,
        "keyOfTomorrow": None,
    }
    if creator.verified:
        user["bioLink"] = {"link": f"https://example.com/{creator.key}", "risk": 0}
    return {"user": user, **_counts(creator, now, listed, faults), "itemList": []}


def _counts(creator: Creator, now: float, listed: int, faults: Collection[str]) -> Json:
    exact = {
        "followerCount": creator.followers(now),
        "followingCount": 74,
        "heart": creator.reach * 12,
        "heartCount": creator.reach * 12,
        "videoCount": listed,
        "diggCount": 0,
        "friendCount": 52,
    }
    stats = {name: _rounded(value) for name, value in exact.items()}
    if "negative_heart" in faults:
        stats["heart"] = stats["heartCount"] = -977_433_948
        return {"stats": stats}
    if creator.exact_stats:
        return {"stats": stats, "statsV2": {name: str(value) for name, value in exact.items()}}
    return {"stats": stats}


def _rounded(value: int) -> int:
    """Above 10,000 TikTok keeps three significant digits."""
    return value if value < 10_000 else round(value, 3 - len(str(value)))

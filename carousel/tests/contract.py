"""What clients rely on, written down a second time by hand: fields, types, and what may be null.

The schema follows the code; this does not. A field may be added to an answer, but one that is
renamed, dropped or of another type fails here, and must not be changed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
CODE = re.compile(r"[a-z][a-z0-9_]*")
Test = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def filled(value: Any) -> bool:
    """An id, a link, a sentence."""
    return isinstance(value, str) and bool(value)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def fraction(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def moment(value: Any) -> bool:
    """ISO 8601 in UTC."""
    return isinstance(value, str) and MOMENT.fullmatch(value) is not None


def code(value: Any) -> bool:
    return isinstance(value, str) and CODE.fullmatch(value) is not None


def any_fields(value: Any) -> bool:
    """Sentences by field."""
    lists = value.values() if isinstance(value, dict) and value else [None]
    return all(isinstance(words, list) and words and all(map(filled, words)) for words in lists)


def one_of(*words: str) -> Test:
    return lambda value: isinstance(value, str) and value in words


class Maybe:
    """Something, or null."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


def violations(value: Any, shape: Any, at: str = "body") -> list[str]:
    """Where ``value`` is not what ``shape`` says: a dict of fields, a list of one shape, a test."""
    if isinstance(shape, Maybe):
        return [] if value is None else violations(value, shape.shape, at)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{at} is {value!r}, no object"]
        lost = [f"{at}.{name} is missing" for name in shape.keys() - value.keys()]
        present = shape.keys() & value.keys()
        return lost + [w for n in present for w in violations(value[n], shape[n], f"{at}.{n}")]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at} is {value!r}, no list"]
        return [w for n, v in enumerate(value) for w in violations(v, shape[0], f"{at}[{n}]")]
    return [] if shape(value) else [f"{at} is {value!r}, not {shape.__name__}"]


def keeps(body: Any, shape: Any) -> None:
    """Assert that a body keeps the contract."""
    assert violations(body, shape) == []


STATUS = one_of("blocked", "pending", "running", "completed", "failed")
SOURCE = Maybe(one_of("ai", "human"))

ERROR = {"detail": filled, "code": code}
FIELD_ERROR = {**ERROR, "code": one_of("invalid"), "fields": any_fields}
ASSET = {
    **{"id": filled, "kind": one_of("image", "video", "audio", "cover", "avatar")},
    **{"status": STATUS, "url": Maybe(filled), "urlExpiresAt": Maybe(moment), "isFallback": flag},
    **{"contentType": text, "originalContentType": text, "byteSize": Maybe(count)},
    **{"width": Maybe(count), "height": Maybe(count), "sha256": text},
    **{"error": text, "errorCode": text, "attempts": count},
}
PROFILE = {
    **{"id": filled, "tiktokUserId": filled, "secUid": text, "handle": text},
    **{"previousHandles": [filled], "nickname": text, "bio": text, "verified": flag},
    **{"private": flag, "isOwnProfile": flag, "url": filled, "avatar": Maybe(ASSET)},
    **dict.fromkeys(("followerCount", "followingCount", "likeCount", "videoCount"), Maybe(count)),
    "totals": dict.fromkeys(("posts", "views", "likes", "comments", "shares", "saves"), count),
    **{"monitoringEnabled": flag, "monitoringIntervalMinutes": count},
    **dict.fromkeys(("lastMonitoringRun", "nextMonitoringRun", "missingSince"), Maybe(moment)),
    **{"createdAt": moment, "updatedAt": moment},
}
RUN = {
    **{"id": filled, "profileId": filled, "trigger": one_of("scheduled", "manual", "added")},
    **{"forceRecache": flag, "status": STATUS, "attempts": count},
    **{"startedAt": Maybe(moment), "completedAt": Maybe(moment), "runAfter": moment},
    **dict.fromkeys(("pagesScraped", "postsScraped", "postsCreated", "postsUpdated"), count),
    **{"itemsSkipped": count, "expectedPosts": Maybe(count), "creditsCharged": count},
    **{"creditsRemaining": Maybe(count), "error": text, "errorCode": text},
}
MONITORING = {
    **{"profileId": filled, "monitoringEnabled": flag, "monitoringIntervalMinutes": count},
    **{"lastMonitoringRun": Maybe(moment), "nextMonitoringRun": Maybe(moment)},
    "recentLogs": [RUN],
}
SLIDE = {
    **{"position": count, "width": Maybe(count), "height": Maybe(count), "asset": ASSET},
    **{"text": Maybe(text), "description": Maybe(text)},
    **{"slideType": Maybe(one_of("hook", "content", "cta", "unknown"))},
    **{"confidence": Maybe(fraction), "source": SOURCE},
}
COUNTS = ("viewCount", "likeCount", "commentCount", "shareCount", "saveCount")
POST = {
    **{"id": filled, "tiktokId": filled, "profileId": filled, "handle": text},
    **{"contentType": one_of("photo", "video"), "url": filled, "title": text},
    **{"description": text, "publishedAt": moment, "hashtags": [text], "mentions": [text]},
    **{"language": text, "region": text},
    **dict.fromkeys(("isPinned", "isAd", "isPaidPartnership"), flag),
    **dict.fromkeys(("durationMs", *COUNTS), Maybe(count)),
    **{"cover": Maybe(ASSET), "video": Maybe(ASSET)},
    "music": Maybe({"title": text, "author": text, "asset": Maybe(ASSET)}),
    **{"slides": [SLIDE], "ocrStatus": Maybe(STATUS), "ocrError": text},
    **{"ocrProcessedAt": Maybe(moment), "ocrEngine": Maybe(filled)},
    "category": Maybe({"id": filled, "name": filled}),
    **{"categoryConfidence": Maybe(fraction), "categorySource": SOURCE},
    **{"missingSince": Maybe(moment), "createdAt": moment, "updatedAt": moment},
}
CATEGORY = {
    **{"id": filled, "name": filled, "description": text},
    **{"aiGenerated": flag, "active": flag, "postCount": count},
}
HIT = {
    **{"postId": filled, "handle": text, "position": count, "slideType": SLIDE["slideType"]},
    **{"text": text, "highlights": [[count]], "rank": fraction, "viewCount": Maybe(count)},
    **{"publishedAt": moment, "asset": ASSET},
}
QUEUE = {
    "name": filled,
    **dict.fromkeys(("blocked", "pending", "running", "completed", "failed"), count),
    **{"oldestDueAt": Maybe(moment), "oldestDueSeconds": Maybe(fraction)},
}
CHECK = {"status": filled}
READINESS = {
    "status": filled,
    "checks": {
        **{"database": CHECK, "broker": CHECK, "storage": CHECK},
        "workers": {"status": filled, "lastSeen": Maybe(moment)},
    },
    "queues": {
        name: {"oldestDueSeconds": Maybe(fraction)}
        for name in ("media-cache", "profile-monitor", "ocr")
    },
}


def metrics(*names: str) -> dict[str, Any]:
    """A series over time of these counts."""
    return {"results": [{"capturedAt": moment, **dict.fromkeys(names, Maybe(count))}]}


def page(shape: Any) -> dict[str, Any]:
    """A list of ``shape``."""
    return {"count": count, "next": Maybe(filled), "previous": Maybe(filled), "results": [shape]}

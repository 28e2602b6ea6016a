"""Links to many objects of an S3 service at once.

One link is one HMAC over a short text (AWS Signature Version 4, query string form:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). The key that signs
is the same all day, so signing a page of assets costs microseconds each, where asking a client
library for each costs about a millisecond.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects live and who signs for them. Path-style addresses."""

    endpoint_url: str
    name: str
    access_key: str
    secret_key: str
    region: str = "auto"


def window_start(now: float, seconds: int) -> int:
    """The start of the window that ``now`` is in, so that a link stays the same for a while.

    A link made in a window of half its lifetime is good for at least that half.
    """
    window = max(seconds // 2, 1)
    return int(now) // window * window


def presigned_links(
    bucket: Bucket, keys: Iterable[str], *, now: float, seconds: int
) -> tuple[dict[str, str], datetime]:
    """GET links for object keys, and when they end. ``now`` in Unix time.

    Links are identical for the same key within half of ``seconds``, so browsers can cache.
    """
    start = window_start(now, seconds)
    stamp = datetime.fromtimestamp(start, UTC)
    date, moment = stamp.strftime("%Y%m%d"), stamp.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{date}/{bucket.region}/s3/aws4_request"
    parts = urlsplit(bucket.endpoint_url)
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={quote(f'{bucket.access_key}/{scope}', safe='')}"
        f"&X-Amz-Date={moment}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host"
    )
    key_of_day = _signing_key(bucket.secret_key, date, bucket.region)
    prefix = f"{parts.path.rstrip('/')}/{quote(bucket.name, safe='')}/"
    links = {}
    for key in keys:
        path = prefix + quote(key, safe="/~")
        request = f"GET\n{path}\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.new(key_of_day, text.encode(), hashlib.sha256).hexdigest()
        links[key] = f"{parts.scheme}://{parts.netloc}{path}?{query}&X-Amz-Signature={signature}"
    return links, datetime.fromtimestamp(start + seconds, UTC)


@lru_cache(maxsize=8)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key

"""Signatures for an S3 service: of links to many objects at once, and of uploads.

One signature is one HMAC over a short text (AWS Signature Version 4:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html for links,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html for requests). The
key that signs is the same all day, so signing costs microseconds, where asking a client library
costs about a millisecond each time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
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

    def path(self, key: str) -> str:
        """The path of an object on the server, encoded as it is signed."""
        prefix = urlsplit(self.endpoint_url).path.rstrip("/")
        return f"{prefix}/{quote(self.name, safe='')}/{quote(key, safe='/~')}"


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
    prefix = bucket.path("")
    links = {}
    for key in keys:
        path = prefix + quote(key, safe="/~")
        request = f"GET\n{path}\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.new(key_of_day, text.encode(), hashlib.sha256).hexdigest()
        links[key] = f"{parts.scheme}://{parts.netloc}{path}?{query}&X-Amz-Signature={signature}"
    return links, datetime.fromtimestamp(start + seconds, UTC)


def signed_headers(
    bucket: Bucket,
    method: str,
    path: str,
    headers: Mapping[str, str],
    *,
    sha256: str,
    now: float,
) -> dict[str, str]:
    """``headers``, with what makes them a signed request for ``path`` (as ``Bucket.path`` gives
    it). ``sha256`` is that of the body, in hexadecimal: the service refuses any other body.
    ``now`` in Unix time."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    date, host = moment[:8], urlsplit(bucket.endpoint_url).netloc
    scope = f"{date}/{bucket.region}/s3/aws4_request"
    own = {"Host": host, "X-Amz-Content-SHA256": sha256, "X-Amz-Date": moment}
    whole = {**headers, **own}
    canonical = sorted((name.lower(), value.strip()) for name, value in whole.items())
    lines = "".join(f"{name}:{value}\n" for name, value in canonical)
    names = ";".join(name for name, _ in canonical)
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{sha256}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    key = _signing_key(bucket.secret_key, date, bucket.region)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    whole["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={bucket.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return whole


@lru_cache(maxsize=8)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key

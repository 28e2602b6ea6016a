"""Why a file that was downloaded is not kept."""

from __future__ import annotations

from carousel.lib.errors import UpstreamError

# Another copy of the file may be whole, and a process may have died for reasons of its own; what
# was read in full and can't be kept will be no better next time.
_RETRYABLE = frozenset(("not_media", "truncated", "decoder_died", "decode_timeout"))
# It is a picture, and we could not make one of it: perhaps our fault.
_REPORTED = frozenset(("decode_failed", "decoder_died", "decode_timeout"))


class MediaRejected(UpstreamError):
    """The bytes that came can't be stored as media.

    ``code`` is one of ``not_media``, ``unsupported``, ``truncated``, ``too_large``,
    ``too_many_pixels``, ``decode_failed``, ``decoder_died``, ``decode_timeout``.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why, code=code, retryable=code in _RETRYABLE)
        self.report = code in _REPORTED

"""One error, one question: is it worth trying again?

Every step of work ends in one of three ways. ``NotNow`` is our own limit and costs no attempt;
``UpstreamError`` is somebody else's answer, understood at the edge where it arrived; anything
else is a bug of ours, which stops the row and shouts.
"""

from __future__ import annotations


class NotNow(Exception):
    """Our own limit (rate, budget, pause) says later. Costs the row no attempt."""

    def __init__(self, reason: str, *, wait: float) -> None:
        """``wait`` is in seconds."""
        super().__init__(reason)
        self.wait = wait


class UpstreamError(Exception):
    """An outside service, or a file that came from outside, can't give us what we asked for.

    ``code`` is a stable snake_case word for machines, the message is for people: what happened,
    to which thing, what to do. ``retryable`` says whether trying again can help, and
    ``retry_after`` (seconds) repeats what the other side asked for, when it did.
    """

    report = False  # tell Sentry when a row fails for it: it may be our fault

    def __init__(
        self, message: str, *, code: str, retryable: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after

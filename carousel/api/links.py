"""Links that lead back to us."""

from __future__ import annotations

from rest_framework.request import Request


def base_url(request: Request) -> str:
    """Scheme and host as the client wrote them, without a slash at the end."""
    return f"{request.scheme}://{request.get_host()}"

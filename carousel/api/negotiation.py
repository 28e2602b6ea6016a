"""Clients that ask for something else get JSON anyway: never HTML, never an empty 406."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import Http404
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AlwaysAnswer(DefaultContentNegotiation):
    """The first renderer answers whoever accepts none of them."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        able = list(renderers)
        try:
            renderer, media_type = super().select_renderer(request, able, format_suffix)
        except (NotAcceptable, Http404):
            return able[0], str(able[0].media_type)
        return renderer, media_type

"""Buttons on a row that call a service: on the list and on the row's own page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from carousel.lib.errors import NotNow, UpstreamError

M = TypeVar("M", bound=models.Model)
Do = Callable[[Any, HttpRequest, Any], str]


class Refused(Exception):
    """A button can't do what it says for this row now; the message says why."""


class Button(Protocol):
    """A method of an admin that a button calls; it returns what to tell the person."""

    label: str
    offered: Callable[[Any], bool]

    def __call__(self, request: HttpRequest, obj: Any) -> str: ...


def row_action(
    label: str, *, offered: Callable[[Any], bool] = lambda _: True
) -> Callable[[Do], Do]:
    """Make a method ``(self, request, obj) -> message`` a button, for rows where it is offered."""

    def mark(method: Do) -> Do:
        method.label = label  # type: ignore[attr-defined]
        method.offered = offered  # type: ignore[attr-defined]
        return method

    return mark


class RowActions(admin.ModelAdmin[M]):
    """An admin whose ``row_actions`` name methods made with ``row_action``.

    Lists show those that are in ``list_row_actions``, too, or all where that is not set.

    Errors that a service explains (``UpstreamError``, ``NotNow`` and ``expected_errors``) are
    told in words; anything else is a bug and stays one.
    """

    row_actions: Sequence[str] = ()
    list_row_actions: Sequence[str] | None = None
    expected_errors: tuple[type[Exception], ...] = ()
    change_form_template = "admin/carousel/change_form.html"

    def buttons(self, obj: M, names: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """Label and address of what can be done with this row now."""
        wanted = self.row_actions if names is None else names
        found = ((name, cast(Button, getattr(self, name))) for name in wanted)
        return [(b.label, self._address(obj, name)) for name, b in found if b.offered(obj)]

    @admin.display(description="")
    def row_buttons(self, obj: M) -> SafeString:
        """For ``list_display``: the list's own form carries the token and posts to the button."""
        return format_html(
            '<span class="row-buttons">{}</span>',
            format_html_join(
                "",
                '<button type="submit" formnovalidate formaction="{1}">{0}</button>',
                self.buttons(obj, self.list_row_actions),
            ),
        )

    def _address(self, obj: M, name: str) -> str:
        meta = self.opts
        return reverse(
            f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_do",
            args=(quote(obj.pk), name),
        )

    def get_urls(self) -> list[URLPattern]:
        """The admin's own paths, and one for all buttons."""
        meta = self.opts
        view = self.admin_site.admin_view(self.press)
        name = f"{meta.app_label}_{meta.model_name}_do"
        return [path("<path:object_id>/do/<slug:action>/", view, name=name), *super().get_urls()]

    def press(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """A button was pressed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, unquote(object_id))
        if obj is None or action not in self.row_actions:
            raise Http404
        button = cast(Button, getattr(self, action))
        if not button.offered(obj):
            self.message_user(request, f"{obj}: not possible any more.", messages.WARNING)
        else:
            self.attempt(request, obj, lambda: button(request, obj))
        return self.back(request)

    def attempt(self, request: HttpRequest, obj: M, do: Callable[[], str]) -> bool:
        """Do it, tell how it went, and keep it in the row's history; False if it went wrong."""
        ours: tuple[type[Exception], ...] = (Refused, UpstreamError, NotNow)
        try:
            told = do()
        except ours + self.expected_errors as exc:
            self.message_user(request, f"{obj}: {exc}", messages.ERROR)
            return False
        self.log_change(request, obj, told)
        self.message_user(request, told, messages.SUCCESS)
        return True

    def back(self, request: HttpRequest) -> HttpResponse:
        """To the page that the button was on."""
        meta = self.opts
        came_from = request.headers.get("Referer", "")
        if url_has_allowed_host_and_scheme(
            came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return redirect(came_from)
        return redirect(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_changelist")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The row's page, with its buttons for who may press them."""
        obj = kwargs.get("obj")
        may = obj is not None and self.has_change_permission(request)
        context["row_buttons"] = self.buttons(obj) if may and obj is not None else []
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

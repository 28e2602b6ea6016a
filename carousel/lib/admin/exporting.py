"""A list in the admin as a file: what its filters, search and order leave, all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from carousel.lib.downloads import table_download
from carousel.lib.tabular import FORMATS, Table

M = TypeVar("M", bound=models.Model)


class ExportsList(admin.ModelAdmin[M]):
    """An admin whose list has a button per format where there is a ``table`` for it."""

    table: Table | None = None
    change_list_template = "admin/carousel/list.html"

    def get_urls(self) -> list[URLPattern]:
        """The admin's own paths, and one for all formats."""
        view = self.admin_site.admin_view(self.export_list)
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/<slug:kind>/", view, name=name), *super().get_urls()]

    def export_list(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """The rows of the list as its address has them, on all of its pages."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if self.table is None or kind not in FORMATS:
            raise Http404
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(f"{self._list_address()}?e=1")
        return table_download(self.table, rows.select_related(None), kind)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The list, with addresses for its export that repeat its own parameters."""
        context = {"exports": self._exports(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def _exports(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        if self.table is None:
            return ()
        parameters = request.GET.copy()
        parameters.pop("p", None)  # the page
        query = f"?{parameters.urlencode()}" if parameters else ""
        return [(kind.upper(), f"{self._list_address()}export/{kind}/{query}") for kind in FORMATS]

    def _list_address(self) -> str:
        opts = self.opts
        return reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_changelist")

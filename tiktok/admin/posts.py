"""Posts in the admin: slides as pictures with what they say, numbers over time, files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin import (
    CarouselAdmin,
    beginning,
    is_uuid,
    line_chart,
    row_action,
    short,
    status_badge,
    when,
)
from media_cache.admin import thumbnail
from ocr.models import PostCategory, SlideReading
from tiktok.admin.post_form import PostForm
from tiktok.admin.scores import Figures
from tiktok.models import ContentType, TikTokPost, TikTokProfile
from tiktok.services import (
    NotAPhotoPost,
    SlidesUnknown,
    assets_of,
    perform_batch_ocr,
    perform_ocr_for_post,
    request_post_media,
)
from tiktok.services.exporting import POSTS
from tiktok.services.saying import posts_saying

AT_ONCE = 1_000  # posts in one action
POINTS_SHOWN = 400
COUNTS = (
    *(("Views", "view_count"), ("Likes", "like_count"), ("Saves", "save_count")),
    *(("Comments", "comment_count"), ("Shares", "share_count")),
)
MOST_CATEGORIES = 40


class CategoryFilter(admin.SimpleListFilter):
    """The first categories by name; those behind them are linked from the categories' list."""

    title = "category"
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Never more than a screenful."""
        active = PostCategory.objects.filter(active=True).order_by("name")
        return [(str(category.pk), category.name) for category in active[:MOST_CATEGORIES]]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[TikTokPost]
    ) -> QuerySet[TikTokPost]:
        """Posts of the chosen one."""
        wanted = self.value() or ""
        return queryset.filter(reading__category=UUID(wanted)) if is_uuid(wanted) else queryset


class ViewsFilter(admin.SimpleListFilter):
    """Posts that were seen often."""

    title = "views"
    parameter_name = "views"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Powers of ten."""
        return [(str(10**n), f"{10**n:,} or more") for n in range(3, 8)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[TikTokPost]
    ) -> QuerySet[TikTokPost]:
        """Posts with at least as many."""
        return queryset.filter(view_count__gte=self.value()) if self.value() else queryset


def _is_photo(post: TikTokPost) -> bool:
    return post.content_type == ContentType.PHOTO


@admin.register(TikTokPost)
class TikTokPostAdmin(Figures, CarouselAdmin[TikTokPost]):
    """What they published."""

    form = PostForm
    change_form_template = "admin/tiktok/post.html"
    list_display = (
        *("picture", "text", "published", "views", "outlier", "engagement", "save_rate"),
        *("per_hour", "week", "likes", "saves", "category", "ocr_status"),
    )
    list_display_links = None
    save_on_top = True
    list_filter = (
        *("content_type", "reading__status", CategoryFilter, ViewsFilter),
        *("published_at", "is_pinned", "is_paid_partnership"),
    )
    list_select_related = ("profile", "cover", "reading__category", "insight")
    search_fields = ("caption",)
    search_help_text = "Words of the caption or of a slide, @handle, or TikTok's number"
    ordering = ("-published_at", "-id")
    sortable_by = Figures.sortable
    actions = ("read_selected", "force_selected", "refetch_selected")
    row_actions = ("read_missing", "read_again", "fetch_media", "refetch_media")
    expected_errors = (NotAPhotoPost, SlidesUnknown, SlideReading.DoesNotExist)
    heavy = ("caption", "title")
    table = POSTS
    fieldsets = (
        (
            "Post",
            {
                "fields": (
                    *("profile", "link", "content_type", "title", "caption", "published_at"),
                    *("hashtags", "mentions", "language", "region", "is_pinned", "is_ad"),
                    *("is_paid_partnership", "duration_ms", "sound", "missing_since"),
                )
            },
        ),
        ("What its numbers say", {"fields": Figures.told}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[TikTokPost]:
        """A post's own page needs what belongs to it at once."""
        rows = super().get_queryset(request).filter(insight__isnull=False)  # each has one
        return rows if self._is_list(request) else rows.select_related(*self.list_select_related)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What TikTok says is not ours to change."""
        return tuple(flatten_fieldsets(self.fieldsets))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Posts come from TikTok."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TikTokPost], search_term: str
    ) -> tuple[QuerySet[TikTokPost], bool]:
        """Each kind of term through its own index: an OR over two tables would use none."""
        term = search_term.strip()
        if term.isdecimal() and len(term) > 15:
            return queryset.filter(tiktok_id=term), False
        if term.startswith("@"):
            holders = TikTokProfile.objects.filter(handle__icontains=term.removeprefix("@"))
            return queryset.filter(profile__in=holders), False
        if not term or is_uuid(term):
            return super().get_search_results(request, queryset, term)
        try:
            return posts_saying(queryset, term), False
        except ValueError as exc:
            self.message_user(request, str(exc), messages.WARNING)
            return queryset.none(), False

    @admin.display(description="")
    def picture(self, post: TikTokPost) -> SafeString:
        """The cover."""
        return thumbnail(post.cover, alt="cover")

    @admin.display(description="post")
    def text(self, post: TikTokPost) -> SafeString:
        """The beginning of its title or caption, whose it is, and what it is."""
        words = beginning(post, "title") or beginning(post, "caption")
        name = f"{self.admin_site.name}:tiktok_tiktokpost_change"
        return format_html(
            '<a href="{}"><b>{}</b></a><small class="under">{} · {}</small>',
            reverse(name, args=(post.pk,)),
            *(short(words) or post.tiktok_id, self.account(post), post.content_type),
        )

    @admin.display(description="profile")
    def account(self, post: TikTokPost) -> SafeString:
        """Whose it is, with a link."""
        address = reverse(
            f"{self.admin_site.name}:tiktok_tiktokprofile_change", args=(post.profile_id,)
        )
        return format_html('<a href="{}">{}</a>', address, post.profile)

    @admin.display(description="published", ordering="published_at")
    def published(self, post: TikTokPost) -> str | SafeString:
        """How long ago."""
        return when(post.published_at)

    @admin.display(description="category")
    def category(self, post: TikTokPost) -> str:
        """What it is about."""
        category = post.reading.category if post.reading else None
        return str(category or "")

    @admin.display(description="read")
    def ocr_status(self, post: TikTokPost) -> str | SafeString:
        """The state of its reading."""
        return status_badge(post.reading.status if post.reading else None)

    @admin.display(description="on TikTok")
    def link(self, post: TikTokPost) -> SafeString:
        """The post there."""
        address = f"{post.profile.url}/{post.content_type}/{post.tiktok_id}"
        return format_html('<a href="{0}" target="_blank" rel="noreferrer">{0}</a>', address)

    @admin.display(description="sound")
    def sound(self, post: TikTokPost) -> str:
        """Title and author."""
        return " – ".join(filter(None, (post.music_title, post.music_author)))

    # --- What a person does ----------------------------------------------------------------

    @row_action("Read what is missing", offered=_is_photo)
    def read_missing(self, request: HttpRequest, post: TikTokPost) -> str:
        """Slides that have a text keep it."""
        perform_ocr_for_post(post)
        return f"{post}: its reading is queued."

    @row_action("Read again", offered=_is_photo)
    def read_again(self, request: HttpRequest, post: TikTokPost) -> str:
        """All slides but those that a person corrected."""
        perform_ocr_for_post(post, force=True)
        return f"{post}: all its slides will be read again."

    @row_action("Fetch missing media")
    def fetch_media(self, request: HttpRequest, post: TikTokPost) -> str:
        """Files that we do not have."""
        return f"{post}: {request_post_media(post)} files looked at."

    @row_action("Fetch all media again")
    def refetch_media(self, request: HttpRequest, post: TikTokPost) -> str:
        """All files."""
        return f"{post}: {request_post_media(post, refetch=True)} files are fetched again."

    @admin.action(description="Read what is missing", permissions=["change"])
    def read_selected(self, request: HttpRequest, queryset: QuerySet[TikTokPost]) -> None:
        """The chosen posts."""
        self._read(request, queryset, force=False)

    @admin.action(description="Read again (force)", permissions=["change"])
    def force_selected(self, request: HttpRequest, queryset: QuerySet[TikTokPost]) -> None:
        """The chosen posts."""
        self._read(request, queryset, force=True)

    def _read(self, request: HttpRequest, queryset: QuerySet[TikTokPost], *, force: bool) -> None:
        ids = [str(pk) for pk in queryset.order_by().values_list("pk", flat=True)[:AT_ONCE]]
        outcomes = perform_batch_ocr(ids, force=force)
        failed = [outcome for outcome in outcomes if not outcome.success]
        self.message_user(request, f"{len(outcomes) - len(failed)} readings queued.")
        for error in sorted({outcome.error for outcome in failed})[:5]:
            self.message_user(request, error, messages.WARNING)

    @admin.action(description="Fetch all media again", permissions=["change"])
    def refetch_selected(self, request: HttpRequest, queryset: QuerySet[TikTokPost]) -> None:
        """The chosen posts."""
        posts = queryset.order_by()[:AT_ONCE]
        files = sum(request_post_media(post, refetch=True) for post in posts)
        self.message_user(request, f"{files} files are fetched again.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: TikTokPost, form: Any, change: bool) -> None:
        """Only what a person corrected, through the services."""
        form.correct()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With its slides, numbers over time and files."""
        post = kwargs.get("obj")
        if isinstance(post, TikTokPost):
            context["post_form"] = context["adminform"].form
            latest = list(post.metrics.order_by("-captured_at")[:POINTS_SHOWN])[::-1]
            context["charts"] = [
                line_chart(label, [(seen.captured_at, getattr(seen, name)) for seen in latest])
                for label, name in COUNTS
            ]
            context["files"] = [(asset, thumbnail(asset)) for asset in assets_of(post)]
        return super().render_change_form(request, context, *args, **kwargs)

"""Categories: which one a reading gets, and what people make of the list."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from ocr.models import CategoryChange, FormerCategoryName, PostCategory, Reading, Source

UNKNOWN = "unknown"


class CategoryTaken(ValueError):
    """Another category goes by this name."""


def find_category(name: str) -> PostCategory | None:
    """The category of this name without regard to case, or the one that had it once."""
    wanted = " ".join(name.split())
    known = PostCategory.objects.filter(name__iexact=wanted).first()
    if known is not None:
        return known
    former = FormerCategoryName.objects.filter(name__iexact=wanted).select_related("category")
    return found.category if (found := former.first()) is not None else None


def write_category(reading: Reading, answered: str | None, confidence: float | None) -> None:
    """Keep a machine's answer, None for unknown; what a person chose stays."""
    mine = Reading.objects.filter(pk=reading.pk).exclude(category_source=Source.HUMAN)
    name = (answered or "").strip()
    if not name or name.casefold() == UNKNOWN:
        mine.update(
            category=None,
            category_confidence=None,
            category_source=Source.AI,
            proposed_category=None,
        )
        return
    category = find_category(name) or _invented(name[:80])
    if category.active:
        mine.update(
            category=category,
            category_confidence=confidence,
            category_source=Source.AI,
            proposed_category=None,
        )
    else:
        mine.update(proposed_category=category, category_confidence=confidence)


def inherit_category(reading: Reading, source: UUID) -> None:
    """Take over how the post was judged that all pictures come from; a person's choice stays."""
    judged = Reading.objects.filter(pk=source).values(
        "category_id", "proposed_category_id", "category_confidence", "category_source"
    )
    if (values := judged.first()) is not None:
        judge = Source.AI if values["category_source"] else ""
        mine = Reading.objects.filter(pk=reading.pk).exclude(category_source=Source.HUMAN)
        mine.update(**{**values, "category_source": judge})


@transaction.atomic
def accept_category(category: PostCategory) -> int:
    """Let the reader use a category that it proposed; returns how many readings get it."""
    PostCategory.objects.filter(pk=category.pk).update(active=True)
    category.active = True
    waiting = Reading.objects.filter(proposed_category=category)
    return waiting.exclude(category_source=Source.HUMAN).update(
        category=category, category_source=Source.AI, proposed_category=None
    )


@transaction.atomic
def rename_category(category: PostCategory, name: str) -> PostCategory:
    """Give it another name; whoever still says the old one means it all the same.

    Raises CategoryTaken, and ValueError for no name at all.
    """
    wanted = " ".join(name.split())[:80]
    if not wanted:
        raise ValueError("A category needs a name.")
    held = PostCategory.objects.select_for_update(no_key=True).get(pk=category.pk)
    old = held.name
    if old == wanted:
        return held
    if PostCategory.objects.filter(name__iexact=wanted).exclude(pk=held.pk).exists():
        raise CategoryTaken(f"There is a category called {wanted!r}: merge the two instead.")
    FormerCategoryName.objects.filter(name__iexact=wanted).delete()
    PostCategory.objects.filter(pk=held.pk).update(name=wanted)
    if old.casefold() != wanted.casefold():
        _remember(old, held)
    CategoryChange.objects.create(
        kind=CategoryChange.Kind.RENAMED,
        old_id=held.pk,
        old_name=old,
        new_name=wanted,
        category=held,
    )
    category.name = held.name = wanted
    return held


@transaction.atomic
def merge_categories(sources: Iterable[PostCategory], into: PostCategory) -> int:
    """Make several categories one; returns how many readings were moved.

    Who chose it, person or machine, and how sure, stays with each reading. The names of those
    that are gone mean ``into`` from now on. Raises ValueError if ``into`` is one of them.
    """
    gone = list(sources)
    if any(source.pk == into.pk for source in gone):
        raise ValueError(f"{into} can't be merged into itself: leave it out.")
    held = PostCategory.objects.select_for_update().order_by("pk")
    rows = {row.pk: row for row in held.filter(pk__in=[into.pk, *(s.pk for s in gone)])}
    if into.pk not in rows:
        raise ValueError(f"{into} is gone.")
    return sum(_merge(rows[s.pk], rows[into.pk]) for s in gone if s.pk in rows)


@transaction.atomic
def undo_merge(change: CategoryChange) -> PostCategory:
    """Bring a merged category back, with the readings that had it and were not judged anew.

    Raises ValueError if it was no merge or is undone, CategoryTaken if its name is in use.
    """
    held = CategoryChange.objects.select_for_update().get(pk=change.pk)
    if held.kind != CategoryChange.Kind.MERGED or held.undone_at is not None:
        raise ValueError("Only a merge that stands can be undone.")
    if PostCategory.objects.filter(name__iexact=held.old_name).exists():
        raise CategoryTaken(f"There is a category called {held.old_name!r} again.")
    FormerCategoryName.objects.filter(name__iexact=held.old_name).delete()
    back = PostCategory.objects.create(
        pk=held.old_id,
        name=held.old_name,
        description=held.description,
        ai_generated=held.ai_generated,
        active=held.active,
    )
    moved = Reading.objects.filter(pk__in=held.reading_ids, category=held.category)
    moved.update(category=back)
    proposed = Reading.objects.filter(pk__in=held.proposed_ids, proposed_category=held.category)
    proposed.update(proposed_category=back)
    CategoryChange.objects.filter(pk=held.pk).update(undone_at=Now())
    return back


def _merge(source: PostCategory, into: PostCategory) -> int:
    readings = Reading.objects.filter(category=source)
    proposed = Reading.objects.filter(proposed_category=source)
    CategoryChange.objects.create(
        kind=CategoryChange.Kind.MERGED,
        old_id=source.pk,
        old_name=source.name,
        new_name=into.name,
        category=into,
        description=source.description,
        ai_generated=source.ai_generated,
        active=source.active,
        reading_ids=list(readings.values_list("pk", flat=True)),
        proposed_ids=list(proposed.values_list("pk", flat=True)),
    )
    moved = readings.update(category=into)
    proposed.update(proposed_category=into)
    if into.active:
        moved += accept_category(into)
    FormerCategoryName.objects.filter(category=source).update(category=into)
    CategoryChange.objects.filter(category=source).update(category=into)
    source.delete()
    _remember(source.name, into)
    return moved


def _remember(name: str, category: PostCategory) -> None:
    FormerCategoryName.objects.filter(name__iexact=name).delete()
    FormerCategoryName.objects.create(name=name, category=category)


def _invented(name: str) -> PostCategory:
    """A category that a reader has thought of: on the list at once, or waiting for a person."""
    category, _ = PostCategory.objects.get_or_create(
        name__iexact=name,
        defaults={
            "name": name,
            "ai_generated": True,
            "active": settings.OCR_NEW_CATEGORIES == "accept",
        },
    )
    return category

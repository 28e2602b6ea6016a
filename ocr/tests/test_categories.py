"""The list of categories is people's: renamed, merged, accepted, and nothing is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from ocr.models import CategoryChange, FormerCategoryName, PostCategory, Reading, Source
from ocr.services import (
    CategoryTaken,
    accept_category,
    find_category,
    merge_categories,
    rename_category,
    undo_merge,
)
from ocr.services.categories import write_category

pytestmark = pytest.mark.django_db
CATEGORIES = "/admin/ocr/postcategory/"


def make(*names: str, **fields: Any) -> list[PostCategory]:
    return [PostCategory.objects.create(name=name, **fields) for name in names]


def judged(category: PostCategory | None, source: str = Source.AI, **fields: Any) -> Reading:
    values = {"category": category, "category_source": source, "category_confidence": 0.7}
    return Reading.objects.create(status="completed", **{**values, **fields})


def now(reading: Reading) -> Reading:
    return Reading.objects.get(pk=reading.pk)


def test_a_merge_moves_readings_and_keeps_who_judged_them_and_how_surely() -> None:
    gym, sport, fitness = make("Gym", "Sport", "Fitness")
    mine, theirs = judged(gym, Source.HUMAN, category_confidence=None), judged(sport)
    assert merge_categories([gym, sport], fitness) == 2
    assert (now(mine).category, now(mine).category_source) == (fitness, Source.HUMAN)
    assert (now(theirs).category, now(theirs).category_confidence) == (fitness, 0.7)
    assert [row.name for row in PostCategory.objects.all()] == ["Fitness"]
    assert {change.old_name for change in fitness.changes.all()} == {"Gym", "Sport"}


def test_a_reader_that_still_says_the_old_name_means_the_new_category() -> None:
    gym, fitness = make("Gym", "Fitness")
    merge_categories([gym], fitness)
    rename_category(fitness, "Training")
    reading = judged(None)
    for said in ("gym", "FITNESS", "Training", " training "):
        write_category(reading, said, 0.5)
        assert now(reading).category == fitness
    assert PostCategory.objects.count() == 1


def test_a_merge_can_be_undone_but_not_what_was_judged_since() -> None:
    gym, fitness, other = make("Gym", "Fitness", "Other", description="about")
    kept, moved_on = judged(gym), judged(gym)
    proposed = judged(None, "", proposed_category=gym)
    merge_categories([gym], fitness)
    Reading.objects.filter(pk=moved_on.pk).update(category=other)
    back = undo_merge(CategoryChange.objects.get())
    assert (back.pk, back.name, back.description) == (gym.pk, "Gym", "about")
    assert (now(kept).category, now(moved_on).category) == (back, other)
    assert now(proposed).category == fitness  # it was accepted with the merge
    assert find_category("gym") == back
    with pytest.raises(ValueError, match="stands"):
        undo_merge(CategoryChange.objects.get())


def test_a_category_keeps_its_readings_under_its_new_name() -> None:
    (gym,) = make("Gym")
    reading = judged(gym)
    rename_category(gym, "  Fitness   at home ")
    assert now(reading).category == gym
    assert PostCategory.objects.get().name == "Fitness at home"
    assert (find_category("gym"), CategoryChange.objects.get().kind) == (gym, "renamed")
    rename_category(gym, "Gym")
    assert [former.name for former in FormerCategoryName.objects.all()] == ["Fitness at home"]


def test_a_name_in_use_is_refused_and_a_former_one_can_be_taken() -> None:
    gym, fitness = make("Gym", "Fitness")
    with pytest.raises(CategoryTaken, match="merge"):
        rename_category(gym, "FITNESS")
    rename_category(fitness, "Training")
    rename_category(gym, "Fitness")
    assert find_category("fitness") == gym
    with pytest.raises(ValueError, match="itself"):
        merge_categories([gym, fitness], gym)
    with pytest.raises(ValueError, match="name"):
        rename_category(gym, "   ")


def test_merging_a_proposal_accepts_it_under_the_name_that_is_on_the_list() -> None:
    (fitness,) = make("Fitness")
    (proposal,) = make("Workout", active=False)
    waiting = judged(None, "", proposed_category=proposal)
    assert merge_categories([proposal], fitness) == 1
    assert (now(waiting).category, now(waiting).proposed_category) == (fitness, None)


def test_people_merge_in_the_admin(admin_client: Client) -> None:
    gym, sport, fitness = make("Gym", "Sport", "Fitness")
    reading = judged(gym)
    chosen = {"action": "merge_selected", "_selected_action": [str(gym.pk), str(sport.pk)]}
    page = admin_client.post(CATEGORIES, chosen).content.decode()
    assert "Gym" in page
    assert f'value="{fitness.pk}"' in page
    assert f'<option value="{gym.pk}"' in page
    done = admin_client.post(CATEGORIES, {**chosen, "into": str(fitness.pk)}, follow=True)
    assert "1 readings" in done.content.decode()
    assert now(reading).category == fitness
    change = CategoryChange.objects.get(old_name="Gym")
    undone = admin_client.post(f"/admin/ocr/categorychange/{change.pk}/do/undo/", follow=True)
    assert undone.status_code == 200
    assert now(reading).category == PostCategory.objects.get(name="Gym")


def test_people_accept_what_a_reader_proposes_in_the_admin(admin_client: Client) -> None:
    (proposal,) = make("Workout", active=False, ai_generated=True)
    waiting = judged(None, "", proposed_category=proposal)
    page = admin_client.get(CATEGORIES).content.decode()
    assert f"/admin/ocr/postcategory/{proposal.pk}/do/accept/" in page
    admin_client.post(f"/admin/ocr/postcategory/{proposal.pk}/do/accept/")
    assert now(waiting).category == proposal
    assert accept_category(proposal) == 0


def test_a_name_changed_in_the_admin_is_remembered(admin_client: Client) -> None:
    (gym,) = make("Gym")
    form = {"name": "Training", "description": "", "active": "on"}
    admin_client.post(f"{CATEGORIES}{gym.pk}/change/", form)
    assert find_category("gym") == PostCategory.objects.get(name="Training")

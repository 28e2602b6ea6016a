"""Copies of a slide are found whatever happened to them on their way; other slides are not."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from PIL import Image, ImageEnhance
from pytest_django import DjangoAssertNumQueries

from carousel.lib.drain import drain
from carousel.lib.work import Status
from media_cache.models import CacheAsset, Fingerprint
from media_cache.services import (
    FLOW,
    MediaRequest,
    are_waiting,
    make_waiting,
    request_media,
)
from media_cache.services.similar import State, similar_to
from media_cache.tasks import look_for_forgotten
from media_cache.tests.origin import Origin, answer
from media_cache.tests.slides import LAYOUTS, ground, slide

pytestmark = pytest.mark.django_db(transaction=True)


def cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 40, height // 50, width - width // 50, height - height // 40))


TRANSFORMS: dict[str, Callable[[Image.Image], tuple[Image.Image, str, dict[str, Any]]]] = {
    "original": lambda image: (image, "JPEG", {"quality": 90}),
    "jpeg50": lambda image: (image, "JPEG", {"quality": 50}),
    "half": lambda image: (image.resize((540, 720)), "JPEG", {"quality": 80}),
    "crop": lambda image: (cropped(image), "JPEG", {"quality": 85}),
    "bright": lambda image: (ImageEnhance.Brightness(image).enhance(1.15), "JPEG", {}),
    "webp": lambda image: (image, "WEBP", {"quality": 70}),
}


def encoded(image: Image.Image, transform: str) -> bytes:
    changed, kind, options = TRANSFORMS[transform](image)
    file = io.BytesIO()
    changed.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def stored() -> dict[str, CacheAsset]:
    """Slides that share layout and ground in pairs but not their words, each in all its copies."""
    draw = random.Random(5)
    with Origin() as origin:
        requests = []
        for number, kind in enumerate(("plain", "gradient", "photo", "photo")):
            behind = ground(kind, draw)
            for twin in range(2):
                image = slide(behind, LAYOUTS[number], draw)
                for transform in TRANSFORMS:
                    key = f"{number}{twin}-{transform}"
                    origin.answers[f"/{key}"] = [answer(encoded(image, transform))]
                    requests.append(MediaRequest("image", key, (f"{origin.url}/{key}",)))
        request_media(requests)
        drain(FLOW)
    make_waiting()
    assets = {asset.source_key: asset for asset in CacheAsset.objects.all()}
    assert {asset.status for asset in assets.values()} == {Status.COMPLETED}
    return assets


def test_copies_are_found_and_other_words_on_the_same_ground_are_not(
    stored: dict[str, CacheAsset],
) -> None:
    names = {asset.pk: name for name, asset in stored.items()}
    right = wrong = wanted = of_original = 0
    for name, asset in stored.items():
        state, matches = similar_to(asset.pk)
        assert state == State.MADE
        found = {names[match.asset_id] for match in matches}
        family = {other for other in stored if other.split("-")[0] == name.split("-")[0]}
        right += len(found & family)
        wrong += len(found - family)
        wanted += len(family) - 1
        of_original += len(found & family) if name.endswith("original") else 0
    # From a slide to its copies, and between any two copies (both changed, in different ways).
    assert of_original / 40 >= 0.95, f"recall {of_original / 40:.3f}"
    assert right / wanted >= 0.9, f"recall between copies {right / wanted:.3f}"
    assert right / (right + wrong) >= 0.99, f"precision {right / (right + wrong):.3f}"


def test_the_answer_costs_the_same_statements_for_any_number(
    stored: dict[str, CacheAsset], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):  # its own, begin, how to look, the nearest, commit
        similar_to(stored["00-original"].pk)


def test_the_api_names_the_copies(stored: dict[str, CacheAsset], admin_client: Client) -> None:
    got = admin_client.get(f"/api/media/assets/{stored['00-original'].pk}/similar").json()
    ids = {result["asset"]["id"] for result in got["results"]}
    assert str(stored["00-jpeg50"].pk) in ids
    assert str(stored["10-jpeg50"].pk) not in ids


def test_what_is_not_stored_has_no_copies(db: None) -> None:
    asset = CacheAsset.objects.create(kind="image", source_key="nothing")
    assert similar_to(asset.pk) == (State.NONE, [])


def test_a_fingerprint_goes_with_its_asset_even_if_nobody_knew_of_it() -> None:
    """Django looks for fingerprints before it deletes assets, and a worker writes one meanwhile."""
    asset = CacheAsset.objects.create(kind="image", source_key="a")
    other = CacheAsset.objects.create(kind="image", source_key="b")
    for each in (asset, other):
        Fingerprint.objects.create(asset=each)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM media_cache_cacheasset WHERE id = %s", [asset.pk])
    assert list(Fingerprint.objects.values_list("asset_id", flat=True)) == [other.pk]


def test_a_picture_without_a_fingerprint_is_found_by_the_daily_tick(
    stored: dict[str, CacheAsset],
) -> None:
    asset = next(iter(stored.values()))
    before = Fingerprint.objects.values_list("bands", flat=True).get(asset=asset)
    Fingerprint.objects.filter(asset=asset).delete()  # the worker died before it wrote it
    look_for_forgotten.apply(throw=True)
    assert are_waiting()
    make_waiting()
    assert Fingerprint.objects.values_list("bands", flat=True).get(asset=asset) == before

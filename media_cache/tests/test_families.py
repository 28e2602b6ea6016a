"""Pictures that look the same are put together, by whomever and in whatever order they come."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now

from carousel.lib.drain import drain
from carousel.lib.work import Status
from media_cache.models import CacheAsset, Fingerprint
from media_cache.services import FLOW, MediaRequest, make_waiting, place_pictures, request_media
from media_cache.services.families import BATCH
from media_cache.tests.origin import Origin, answer
from media_cache.tests.slides import CHANGES, LAYOUTS, encoded, ground, slide

pytestmark = pytest.mark.django_db(transaction=True)


def store(files: Iterable[tuple[str, bytes]]) -> None:
    """Store these, by their names, and make their fingerprints; they have no family yet."""
    with Origin() as origin:
        requests = []
        for name, data in files:
            origin.answers[f"/{name}"] = [answer(data)]
            requests.append(MediaRequest("image", name, (f"{origin.url}/{name}",)))
        request_media(requests)
        drain(FLOW)
    make_waiting()
    assert not CacheAsset.objects.exclude(status=Status.COMPLETED).exists()


def families() -> dict[str, UUID | None]:
    return dict(Fingerprint.objects.values_list("asset__source_key", "family"))


def test_copies_join_the_picture_that_they_were_made_from() -> None:
    draw = random.Random(3)
    originals = [slide(ground("photo", draw), layout, draw) for layout in LAYOUTS]
    store((f"{n}.original", encoded(image)) for n, image in enumerate(originals))
    assert place_pictures() == len(originals)
    founders = families()
    assert len(set(founders.values())) == len(originals)
    changed = ("JPEG at quality 50", "half the size", "3 % off each side", "WebP at quality 60")
    store(
        (f"{n}.{number}", CHANGES[change](image))
        for n, image in enumerate(originals)
        for number, change in enumerate(changed)
    )
    assert place_pictures() == len(originals) * len(changed)
    found = families()
    right = [family == founders[f"{name[0]}.original"] for name, family in found.items()]
    assert right.count(True) >= 0.95 * len(right), found
    assert place_pictures() == 0


def test_the_same_bytes_are_one_family_even_without_features() -> None:
    from PIL import Image

    plain = encoded(Image.new("RGB", (300, 400), (200, 30, 30)))
    store([("a", plain), ("b", plain)])
    place_pictures()
    assert families()["a"] == families()["b"] is not None


def test_a_picture_that_was_stored_afresh_is_placed_afresh() -> None:
    draw = random.Random(4)
    image, other = (slide(ground("photo", draw), "card", draw) for _ in range(2))
    store([("a", encoded(image)), ("b", encoded(image, quality=60))])
    place_pictures()
    assert families()["b"] == families()["a"]
    CacheAsset.objects.filter(source_key="b").update(status=Status.PENDING, run_after=Now())
    with Origin() as origin:
        origin.answers["/b"] = [answer(encoded(other))]
        CacheAsset.objects.filter(source_key="b").update(source_urls=[f"{origin.url}/b"])
        drain(FLOW)
    assert families()["b"] is None
    place_pictures()
    assert families()["b"] != families()["a"]


def test_the_family_outlives_its_founder() -> None:
    draw = random.Random(5)
    image = slide(ground("photo", draw), "left", draw)
    store([("a", encoded(image)), ("b", encoded(image, quality=60))])
    place_pictures()
    family = families()["b"]
    CacheAsset.objects.get(source_key="a").delete()
    store([("c", CHANGES["half the size"](image))])
    place_pictures()
    assert set(families().values()) == {family}


def test_two_workers_at_once_found_no_two_families_for_one_picture() -> None:
    draw = random.Random(6)
    image = slide(ground("photo", draw), "label", draw)
    store((f"{quality}", encoded(image, quality=quality)) for quality in range(50, 50 + 2 * BATCH))

    def work() -> None:
        place_pictures()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    place_pictures()  # whoever found the lock taken has left the rest
    assert len(set(families().values())) == 1
    assert None not in families().values()

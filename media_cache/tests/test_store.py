"""From a link to a copy that can be served, and every way in which that ends."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pillow_heif
import pytest
from PIL import Image

from carousel.lib.drain import drain
from carousel.lib.work import Status
from carousel.tests import seaweed
from media_cache.models import CacheAsset
from media_cache.services import FLOW, MediaRequest, request_media, urls_for
from media_cache.signals import assets_settled, links_died
from media_cache.storage import media_storage
from media_cache.tests.origin import Origin, answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """This app alone: the apps above would look for the owners of these files."""
    for signal in (assets_settled, links_died):
        monkeypatch.setattr(signal, "receivers", [])
        signal.sender_receivers_cache.clear()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


def picture(kind: str = "JPEG", size: tuple[int, int] = (90, 120), seed: int = 0) -> bytes:
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.putpixel((0, 0), (seed, 0, 0))
    file = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(file, quality=80)
    else:
        image.save(file, kind)
    return file.getvalue()


def keep(origin: Origin, *bodies: bytes, kind: str = "image", **fields: Any) -> CacheAsset:
    """Ask for a file whose links answer these bodies, and work until nothing is due."""
    urls = []
    for number, body in enumerate(bodies):
        target = f"/file{number}.bin?sig=a%2Fb"
        origin.answers[target] = [body, None]
        urls.append(origin.url + target)
    ids = request_media([MediaRequest(kind, "key", tuple(urls), **fields)])
    drain(FLOW)
    return CacheAsset.objects.get(pk=ids["key"])


def stored_bytes(asset: CacheAsset) -> bytes:
    with media_storage().open(asset.storage_key) as file:
        content: bytes = file.read()
        return content


def test_a_jpeg_is_kept_as_it_is(origin: Origin) -> None:
    body = picture()
    asset = keep(origin, answer(body))
    assert (asset.status, asset.content_type, asset.width, asset.height) == (
        *(Status.COMPLETED, "image/jpeg"),
        *(90, 120),
    )
    assert stored_bytes(asset) == body
    assert asset.byte_size == len(body)
    assert asset.storage_key == f"{asset.sha256[:2]}/{asset.sha256}.jpg"
    assert asset.stored_at is not None


def test_a_heic_becomes_a_jpeg(origin: Origin) -> None:
    asset = keep(origin, answer(picture("HEIF")))
    assert asset.status == Status.COMPLETED
    assert asset.original_content_type in ("image/heic", "image/heif")
    with Image.open(io.BytesIO(stored_bytes(asset))) as image:
        assert (image.format, image.size) == ("JPEG", (90, 120))
        assert (asset.width, asset.height, asset.content_type) == (90, 120, "image/jpeg")


def test_the_next_link_is_tried_when_one_gives_no_media(origin: Origin) -> None:
    html = answer(b"<html>403 Forbidden</html>", headers="Content-Type: image/jpeg\r\n")
    short = answer(picture()[:-40])
    missing = answer(b"", status="404 Not Found")
    good = picture("WEBP")
    asset = keep(origin, html, short, missing, answer(good))
    assert (asset.status, asset.content_type) == (Status.COMPLETED, "image/webp")
    assert stored_bytes(asset) == good


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (answer(b"", status="404 Not Found"), "image", Status.FAILED, "not_found"),
        (answer(b"<html>blocked</html>"), "image", Status.PENDING, "not_media"),
        (answer(picture(), length=10_000), "image", Status.PENDING, "truncated"),
        (answer(b""), "image", Status.PENDING, "empty"),
        (answer(b"", status="500 Oops"), "image", Status.PENDING, "upstream_error"),
        (answer(picture()), "video", Status.PENDING, "not_media"),
        (answer(b"<svg xmlns='http://svg'/>"), "image", Status.PENDING, "not_media"),
    ],
)
def test_what_is_no_media_is_never_stored(
    origin: Origin, body: bytes, kind: str, status: str, code: str
) -> None:
    asset = keep(origin, body, kind=kind)
    assert (asset.status, asset.error_code) == (status, code)
    assert asset.storage_key == ""
    assert "sig=" not in asset.error


def test_a_size_that_was_promised_is_checked(origin: Origin) -> None:
    body = picture()
    asset = keep(origin, answer(body), expected_size=len(body) + 1)
    assert (asset.status, asset.error_code) == (Status.PENDING, "truncated")


@pytest.mark.parametrize("dead", ["403 Forbidden", "410 Gone"])
def test_a_dead_link_waits_for_a_fresh_one_and_is_then_stored(
    origin: Origin, heard: Callable[[], dict[str, set[UUID]]], dead: str
) -> None:
    asset = keep(origin, answer(b"", status=dead))
    assert (asset.status, asset.error_code) == (Status.BLOCKED, "link_dead")
    assert heard() == {"dead": {asset.pk}, "settled": set()}
    origin.answers["/fresh"] = [answer(picture())]
    request_media([MediaRequest("image", "key", (f"{origin.url}/fresh",))])
    drain(FLOW)
    asset.refresh_from_db()
    assert asset.status == Status.COMPLETED
    assert heard()["settled"] == {asset.pk}


def test_a_link_past_its_time_is_not_even_asked(origin: Origin) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    asset = keep(origin, answer(picture()), expires_at=past)
    assert (asset.status, asset.error_code) == (Status.BLOCKED, "link_dead")
    assert origin.connections == 0


def test_all_links_together_take_no_longer_than_a_worker_lives(
    origin: Origin, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_TIMEOUT_SECONDS = 1
    monkeypatch.setattr(sys.modules["media_cache.services.store"], "ALL_LINKS", 1.5)
    urls = []
    for number in range(4):
        origin.answers[f"/{number}"] = [1.2, None]  # nothing, for longer than we wait
        urls.append(f"{origin.url}/{number}")
    request_media([MediaRequest("image", "key", tuple(urls))])
    started = time.monotonic()
    drain(FLOW)
    assert time.monotonic() - started < 2
    asset = CacheAsset.objects.get()
    assert (asset.status, asset.error_code) == (Status.PENDING, "timeout")
    assert len(origin.requests) == 1


def test_a_host_that_is_not_allowed_is_refused(origin: Origin, settings: Any) -> None:
    settings.MEDIA_ALLOWED_HOSTS = (".tiktokcdn.com",)
    asset = keep(origin, answer(picture()))
    assert (asset.status, asset.error_code) == (Status.FAILED, "host_not_allowed")
    assert origin.connections == 0


def test_the_same_bytes_are_one_object(origin: Origin) -> None:
    body = answer(picture())
    for name in ("a", "b"):
        origin.answers[f"/{name}"] = [body]
    request_media([MediaRequest("image", n, (f"{origin.url}/{n}",)) for n in ("a", "b")])
    drain(FLOW)
    assert CacheAsset.objects.filter(status=Status.COMPLETED).count() == 2
    assert len(set(CacheAsset.objects.values_list("storage_key", flat=True))) == 1


def test_a_storage_that_is_down_for_a_while_loses_nothing(
    origin: Origin, s3: dict[str, str], settings: Any
) -> None:
    from carousel.settings import s3_storage

    up = settings.STORAGES
    down = s3_storage({**s3, "R2_ENDPOINT_URL": "http://127.0.0.1:9"})
    settings.STORAGES = {**up, "media": down}
    asset = keep(origin, answer(picture(seed=9)))
    assert (asset.status, asset.attempts) == (Status.PENDING, 0)
    assert "storage" in asset.error
    settings.STORAGES = up
    CacheAsset.objects.update(run_after=asset.created_at)
    origin.answers["/file0.bin?sig=a%2Fb"] = [answer(picture(seed=9))]
    drain(FLOW)
    asset.refresh_from_db()
    assert asset.status == Status.COMPLETED
    found = seaweed.client(s3).head_object(Bucket="media", Key=asset.storage_key)
    assert found["ContentLength"] == asset.byte_size
    link = urls_for([asset])[asset.pk]
    assert link.url is not None
    assert link.url.startswith(s3["R2_ENDPOINT_URL"])


def test_nothing_is_left_in_the_scratch_folder(origin: Origin) -> None:
    from media_cache.storage import scratch_folder

    keep(origin, answer(picture("HEIF")))
    keep(origin, answer(b"junk"))
    assert list(scratch_folder().iterdir()) == []


@pytest.fixture
def heard() -> Iterator[Callable[[], dict[str, set[UUID]]]]:
    """What the signals of this app have told."""
    news: dict[str, set[UUID]] = {"dead": set(), "settled": set()}

    def settled(sender: object, asset_ids: list[UUID], **_: object) -> None:
        news["settled"].update(asset_ids)

    def dead(sender: object, asset_ids: list[UUID], **_: object) -> None:
        news["dead"].update(asset_ids)

    assets_settled.connect(settled)
    links_died.connect(dead)
    yield lambda: news
    assets_settled.disconnect(settled)
    links_died.disconnect(dead)

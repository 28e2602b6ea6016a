"""``cache_media``: how many files are where, failed ones once more, and storing them here."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from carousel.lib.errors import NotNow
from carousel.lib.work import Status
from carousel.tests.commands import run_command
from media_cache.models import CacheAsset
from media_cache.services import MediaRequest, request_media
from media_cache.tests.origin import Origin, answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


def picture(seed: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (30, 40), (seed, 0, 0)).save(file, "PNG")
    return file.getvalue()


def ask_for(origin: Origin, count: int, kind: str = "image") -> None:
    """Pictures that the origin has."""
    for number in range(count):
        origin.answers[f"/{kind}{number}"] = [answer(picture(number)), None]
    links = [f"{origin.url}/{kind}{number}" for number in range(count)]
    request_media([MediaRequest(kind, link, (link,)) for link in links])


def make(status: str, code: str = "", kind: str = "image", count: int = 1) -> None:
    names = (f"{status}-{code}-{kind}-{n}" for n in range(count))
    CacheAsset.objects.bulk_create(
        CacheAsset(kind=kind, source_key=name, status=status, error_code=code, error="Because.")
        for name in names
    )


def statuses(**fields: str) -> list[str]:
    found = CacheAsset.objects.filter(**fields).values_list("status", flat=True)
    return sorted(found)


def test_states_are_counted_by_kind_and_failures_by_code(empty_redis: None) -> None:
    make(Status.COMPLETED, count=3)
    make(Status.FAILED, "not_found", count=2)
    make(Status.FAILED, "not_media", kind="video")
    make(Status.PENDING, kind="video")
    answered = run_command("cache_media", "--json")
    assets = answered.document["assets"]
    assert assets["byKind"]["image"] == {
        "blocked": 0, "pending": 0, "running": 0, "completed": 3, "failed": 2,
    }  # fmt: skip
    assert assets["total"]["failed"] == 3
    assert assets["failedByCode"] == {"not_found": 2, "not_media": 1}
    assert (answered.document["workers"], answered.failure) == ("missing", "")
    shown = run_command("cache_media", "--kind", "video").out.splitlines()
    assert [line.split()[0] for line in shown[:3]] == ["kind", "video", "all"]
    assert shown[3] == "failed: not_media 1"


def test_failed_ones_are_queued_again_by_code_and_kind_and_number() -> None:
    make(Status.FAILED, "not_found", count=3)
    make(Status.FAILED, "not_media", count=2)
    make(Status.FAILED, "not_media", kind="video")
    args = ["--retry-failed", "--code", "not_media", "--kind", "image", "--json"]
    assert run_command("cache_media", *args).document["requeued"] == 2
    assert statuses(status=Status.PENDING, kind="image") == ["pending"] * 2
    assert run_command("cache_media", "--retry-failed", "--limit", "1").code == 0
    assert len(statuses(status=Status.PENDING)) == 3
    assert run_command("cache_media", "--retry-failed", "--json").document["requeued"] == 3
    assert len(statuses(status=Status.PENDING)) == 6


def test_due_files_are_stored_here(origin: Origin) -> None:
    ask_for(origin, 5)
    ask_for(origin, 2, kind="cover")
    answered = run_command("cache_media", "--now", "--kind", "image", "--limit", "3", "--json")
    worked = answered.document["worked"]
    assert (worked["stored"], worked["failed"], worked["left"]) == (3, 0, 0)
    assert statuses(kind="cover") == ["pending"] * 2
    assert run_command("cache_media", "--now").out.startswith("4 files stored in ")
    assert statuses() == ["completed"] * 7
    assert not origin.requests[7:]


def test_failures_are_told_by_code_and_fail_the_command(origin: Origin) -> None:
    ask_for(origin, 2)
    del origin.answers["/image1"]
    answered = run_command("cache_media", "--now", "--json")
    assert answered.document["worked"]["failedByCode"] == {"not_found": 1}
    assert answered.document["worked"]["stored"] == 1
    assert "Of 2 files 1 failed (not_found 1)" in answered.failure
    assert "answered 404" in answered.failure


def test_a_storage_that_takes_nothing_fails_the_command_with_its_reason(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NotNow("The disk is full: make room.", wait=600)

    ask_for(origin, 2)
    monkeypatch.setattr("media_cache.storage.LocalMedia.put", full)
    answered = run_command("cache_media", "--now")
    assert answered.failure == "Nothing was stored. The disk is full: make room."
    assert "2 are left for another attempt" in answered.out


def test_a_file_that_nothing_shows_any_more_is_not_waited_for(origin: Origin) -> None:
    origin.answers["/a"] = [answer(status="410 Gone"), None]
    link = f"{origin.url}/a"
    request_media([MediaRequest("image", link, (link,))])
    answered = run_command("cache_media", "--now", "--json")
    assert answered.document["worked"]["failedByCode"] == {"source_gone": 1}


@pytest.mark.parametrize("args", [["--code", "x"], ["--limit", "0"]])
def test_options_that_make_no_sense_are_refused(args: list[str]) -> None:
    assert run_command("cache_media", *args).code == 1

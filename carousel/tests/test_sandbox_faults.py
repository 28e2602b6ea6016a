"""Every fault of the sandbox happens when it is asked for, and is over when it should be."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carousel.sandbox import faults
from carousel.sandbox.server import Sandbox, start
from carousel.tests.sandbox_http import Answer, api, control, fetch

NOW = 1_795_000_000.0
PROFILE, VIDEOS, VIDEO = "/v1/tiktok/profile", "/v3/tiktok/profile/videos", "/v2/tiktok/video"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    running.reset()
    return running


def listed(box: Sandbox, handle: str, **query: str) -> dict[str, Any]:
    body: dict[str, Any] = api(box, VIDEOS, handle=handle, **query).json()
    return body


def slide_link(box: Sandbox, handle: str) -> str:
    items = listed(box, handle)["aweme_list"]
    item = next(item for item in items if item["aweme_type"] == 150)
    return str(item["image_post_info"]["images"][0]["display_image"]["url_list"][0])


def breaks(call: Callable[[], Answer]) -> bool:
    try:
        call()
    except (http.client.HTTPException, ConnectionError):
        return True
    return False


STATUS = {
    "http_400": 400,
    "http_401": 401,
    "http_402": 402,
    "http_403": 403,
    "http_404": 404,
    "http_410": 410,
    "http_429": 429,
    "http_429_after": 429,
    "http_500": 500,
    "http_502_html": 502,
    "http_503": 503,
    "http_504": 504,
    "not_found_success": 404,
    "html_200": 200,
    "text_plain": 200,
    "empty_body": 200,
}


@pytest.mark.parametrize(("name", "status"), STATUS.items())
def test_a_handle_asks_for_a_failing_api(box: Sandbox, name: str, status: int) -> None:
    answer = api(box, PROFILE, handle=f"fault.{name}")
    assert answer.status == status
    html = name in ("http_502_html", "html_200")
    assert answer.body.startswith(b"<html>") == html
    assert (answer.body == b"") == (name == "empty_body")
    assert answer.headers.get("retry-after") == ("2" if name == "http_429_after" else None)
    if name == "text_plain":
        assert answer.headers["content-type"] == "text/plain"
    if name == "not_found_success":
        assert answer.json()["success"] is True
    if status >= 400 and not html:
        assert answer.json()["message"]


@pytest.mark.parametrize("name", [name for name in STATUS if name in faults.EVERYWHERE])
def test_a_handle_asks_for_a_failing_cdn_and_only_that(box: Sandbox, name: str) -> None:
    answer = fetch(slide_link(box, f"fault.cdn_{name}"))
    assert answer.status == STATUS[name]


def test_broken_connections(box: Sandbox) -> None:
    assert breaks(lambda: api(box, PROFILE, handle="fault.dropped"))
    assert breaks(lambda: api(box, PROFILE, handle="fault.truncated"))
    link = slide_link(box, "fault.cdn_truncated")
    assert breaks(lambda: fetch(link))
    assert api(box, PROFILE, handle="fit.with.maya").status == 200


def test_slow_takes_as_long_as_asked_and_stopping_does_not_wait_for_it() -> None:
    with start(now=NOW) as box:
        box.faults.add(PROFILE, "slow", times=1, seconds=0.3)
        began = time.monotonic()
        assert api(box, PROFILE, handle="load.1").status == 200
        assert time.monotonic() - began >= 0.3
        connection = http.client.HTTPConnection(box.url.removeprefix("http://"), timeout=0.2)
        connection.request("GET", f"{PROFILE}?handle=fault.slow", headers={"x-api-key": "k"})
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()
        began = time.monotonic()
    assert time.monotonic() - began < 3


def test_a_fault_can_be_asked_for_by_query_header_or_rule(box: Sandbox) -> None:
    assert api(box, PROFILE, handle="load.1", fault="http_500").status == 500
    url = f"{box.url}{PROFILE}?handle=load.1"
    assert fetch(url, x_api_key="k", x_sandbox_fault="http_503").status == 503
    link = slide_link(box, "creator.3")
    assert fetch(f"{link}&fault=http_410").status == 410
    assert fetch(link).status == 200
    control(box, "faults", "POST", path=PROFILE, fault="http_500", times=2, match="load.1")
    assert api(box, PROFILE, handle="load.2").status == 200
    codes = [api(box, PROFILE, handle="load.1").status for _ in range(3)]
    assert codes == [500, 500, 200]
    assert control(box, "faults")["faults"] == []


def test_rules_are_listed_cleared_and_checked(box: Sandbox) -> None:
    control(box, "faults", "POST", path="/cdn/", fault="zero_bytes")
    assert control(box, "faults")["faults"][0]["fault"] == "zero_bytes"
    control(box, "faults", "DELETE")
    assert control(box, "faults")["faults"] == []
    assert "error" in control(box, "faults", "POST", path="/cdn/", fault="blocked")
    assert "error" in control(box, "faults", "POST", path="/cdn/", fault="slow", nonsense=1)


def test_a_handle_can_fail_only_the_first_times_per_endpoint(box: Sandbox) -> None:
    handle = "fault.http_500.x2.a"
    codes = [api(box, PROFILE, handle=handle).status for _ in range(3)]
    assert codes == [500, 500, 200]
    assert api(box, VIDEOS, handle=handle).status == 500


def test_retry_after_is_what_was_asked_for(box: Sandbox) -> None:
    box.faults.add(VIDEOS, "http_429_after", seconds=7)
    assert api(box, VIDEOS, handle="load.1").headers["retry-after"] == "7"


def test_lists_that_lie(box: Sandbox) -> None:
    assert listed(box, "fault.empty_page")["aweme_list"] == []
    assert listed(box, "fault.empty_page")["credits_charged"] == 1
    assert listed(box, "fault.empty_unless_us")["aweme_list"] == []
    assert len(listed(box, "fault.empty_unless_us", region="US")["aweme_list"]) == 5
    assert listed(box, "fault.tiktok_status")["status_code"] == 10204
    private = listed(box, "fault.private")
    assert (private["aweme_list"], private["status_code"]) == ([], 10222)
    assert api(box, PROFILE, handle="fault.private").json()["user"]["privateAccount"] is True


def test_paging_that_never_ends(box: Sandbox) -> None:
    for name in ("endless_page", "stuck_cursor"):
        first = listed(box, f"fault.{name}")
        second = listed(box, f"fault.{name}", max_cursor=str(first["max_cursor"]))
        assert second["has_more"] == 1
        assert second["max_cursor"] == first["max_cursor"]
        again = [item["aweme_id"] for item in second["aweme_list"]]
        first_ids = [item["aweme_id"] for item in first["aweme_list"]]
        assert (again == first_ids) == (name == "endless_page")
    lost = listed(box, "fault.no_cursor")
    assert (lost["has_more"], lost["max_cursor"]) == (1, None)


def test_further_pages_repeat_two_posts(box: Sandbox) -> None:
    box.faults.add(VIDEOS, "duplicates")
    first = listed(box, "load.9")
    second = listed(box, "load.9", max_cursor=str(first["max_cursor"]))
    ids = [[item["aweme_id"] for item in body["aweme_list"]] for body in (first, second)]
    assert set(ids[0]) & set(ids[1]) == set(ids[0][-2:])
    assert len(ids[1]) == 32


def test_items_that_break_readers(box: Sandbox) -> None:
    stats = listed(box, "fault.hidden_counts")["aweme_list"][0]["statistics"]
    assert "play_count" not in stats
    assert stats["digg_count"] is None
    broken = listed(box, "fault.malformed_item")["aweme_list"][-1]
    assert "aweme_id" not in broken
    text = api(box, VIDEOS, handle="fault.bad_text")
    assert rb"\u0000" in text.body
    assert rb"\ud83d " in text.body
    assert "\u0000" in api(box, PROFILE, handle="fault.bad_text").json()["user"]["nickname"]
    body = api(box, PROFILE, handle="fault.negative_heart").json()
    assert body["stats"]["heart"] < 0
    assert "statsV2" not in body


def test_slides_missing_from_the_list_are_in_the_single_post(box: Sandbox) -> None:
    items = listed(box, "fault.no_slides")["aweme_list"]
    photo = next(item for item in items if item["aweme_type"] == 150)
    assert photo["image_post_info"]["images"] == []
    url = f"https://www.tiktok.com/@fault.no_slides/photo/{photo['aweme_id']}"
    detail = api(box, VIDEO, url=url).json()["aweme_detail"]
    assert len(detail["image_post_info"]["images"]) >= 3


def test_single_posts_that_are_refused(box: Sandbox) -> None:
    for name, codes in (("post_404_once", [404, 200, 200]), ("post_403", [403, 403, 403])):
        post = listed(box, f"fault.{name}")["aweme_list"][0]["aweme_id"]
        url = f"https://www.tiktok.com/@fault.{name}/video/{post}"
        assert [api(box, VIDEO, url=url).status for _ in range(3)] == codes


def test_links_that_come_dead(box: Sandbox) -> None:
    assert fetch(slide_link(box, "fault.expired_links")).status == 403
    handle = "fault.expired_in_list"
    assert fetch(slide_link(box, handle)).status == 403
    post = next(post for post in box.truth(handle)["posts"] if post["slides"])
    url = f"https://www.tiktok.com/@{handle}/photo/{post['id']}"
    fresh = api(box, VIDEO, url=url).json()["aweme_detail"]["image_post_info"]["images"][0]
    assert fetch(fresh["display_image"]["url_list"][0]).status == 200


def test_after_a_day_an_account_is_renamed_and_another_recycled(box: Sandbox) -> None:
    ids = {
        name: api(box, PROFILE, handle=f"fault.{name}").json()["user"]["id"]
        for name in ("renamed", "recycled")
    }
    assert api(box, PROFILE, handle="fault.renamed.new").status == 404
    box.clock.advance(90_000)
    assert api(box, PROFILE, handle="fault.renamed").status == 404
    new = api(box, PROFILE, user_id=ids["renamed"]).json()["user"]["uniqueId"]
    assert new == "fault.renamed.new"
    assert api(box, PROFILE, handle=new).json()["user"]["id"] == ids["renamed"]
    assert api(box, PROFILE, handle="fault.recycled").json()["user"]["id"] != ids["recycled"]
    old = api(box, PROFILE, user_id=ids["recycled"]).json()["user"]["uniqueId"]
    assert old == "fault.recycled.old"


def test_files_that_lie(box: Sandbox) -> None:
    good = fetch(slide_link(box, "creator.3"))
    lying = fetch(slide_link(box, "fault.cdn_lying_type"))
    assert lying.headers["content-type"] == "video/mp4"
    assert fetch(slide_link(box, "fault.cdn_zero_bytes")).body == b""
    garbage = fetch(f"{slide_link(box, 'creator.3')}&fault=garbage")
    assert len(garbage.body) == len(good.body)
    assert garbage.body != good.body
    away = fetch(slide_link(box, "fault.cdn_redirect_off_domain"))
    assert (away.status, away.headers["location"][:19]) == (302, "http://example.com/")
    link = slide_link(box, "fault.cdn_redirect_loop")
    assert link.endswith(fetch(link).headers["location"])
    assert fetch(slide_link(box, "fault.cdn_expired")).status == 403


def test_every_fault_is_in_the_table_and_fits_a_handle() -> None:
    for service, names in faults.FAULTS.items():
        prefix = "" if service == "api" else f"{service}_"
        for name in names:
            assert len(f"fault.{prefix}{name}") <= 32
            assert name in faults.table()
    assert faults.__doc__ is not None
    assert "redirect_off_domain" in faults.__doc__


def test_every_fault_of_the_api_and_the_cdn_does_something(box: Sandbox) -> None:
    """Whatever is added to the tables must change an answer."""
    ways = {"api": "load.1", "cdn": "creator.3"}
    for name in faults.API_ONLY:
        if name in ("renamed", "recycled", "duplicates", "no_slides", "post_404_once", "post_403"):
            continue  # they need more than one call: see above
        calls = [
            api(box, path, handle=ways["api"], fault=fault)
            for path in (PROFILE, VIDEOS)
            for fault in ("", name)
        ]
        plain = [stripped(call) for call in calls]
        assert (plain[0], plain[2]) != (plain[1], plain[3]), name
    link = slide_link(box, ways["cdn"])
    good = fetch(link)
    for name in faults.CDN_ONLY:
        assert fetch(f"{link}&fault={name}") != good, name


def stripped(answer: Answer) -> Any:
    if answer.status != 200:
        return answer.status
    body = json.loads(answer.body)
    body.pop("credits_remaining")
    return body

"""The sandbox over HTTP: ScrapeCreators' endpoints, the CDN's links, the sandbox's own pages."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.core.management import call_command
from PIL import Image

from carousel.sandbox.server import Sandbox, start
from carousel.tests.sandbox_http import api, control, fetch

NOW = 1_795_000_000.0
HANDLE = "fit.with.maya"
VIDEOS = "/v3/tiktok/profile/videos"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(now=NOW, credits=500) as sandbox:
        yield sandbox


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    running.reset()
    return running


def pages(box: Sandbox, handle: str, **query: str) -> Iterator[dict[str, Any]]:
    cursor = "0"
    while True:
        body = api(box, VIDEOS, handle=handle, max_cursor=cursor, **query).json()
        yield body
        if not body["has_more"]:
            return
        cursor = str(body["max_cursor"])


def posts(box: Sandbox, handle: str = HANDLE) -> list[dict[str, Any]]:
    return [item for body in pages(box, handle) for item in body["aweme_list"]]


def slide_links(box: Sandbox, handle: str = HANDLE) -> list[str]:
    item = next(item for item in posts(box, handle) if item["aweme_type"] == 150)
    images = item["image_post_info"]["images"]
    return [link for image in images for link in image["display_image"]["url_list"]]


def test_a_profile_has_rounded_counts_and_half_of_them_exact_ones_as_text(box: Sandbox) -> None:
    exact = 0
    for number in range(12):
        body = api(box, "/v1/tiktok/profile", handle=f"load.{number}").json()
        assert body["success"] is True
        assert body["user"]["uniqueId"] == f"load.{number}"
        shown = body["stats"]["followerCount"]
        assert shown < 10_000 or str(shown)[3:].strip("0") == ""
        if "statsV2" in body:
            exact += 1
            assert round(int(body["statsV2"]["followerCount"]) - shown, -1) <= shown / 100
    assert 0 < exact < 12


def test_every_paid_answer_costs_a_credit_and_says_how_many_are_left(box: Sandbox) -> None:
    left = [
        api(box, "/v1/tiktok/profile", handle=HANDLE).json()["credits_remaining"] for _ in range(2)
    ]
    assert left == [499, 498]
    assert api(box, "/v1/tiktok/profile", handle="no.body").json()["credits_charged"] == 0
    balance = api(box, "/v1/account/credit-balance")
    assert balance.json() == {"creditCount": 498}
    assert balance.headers["content-type"] == "text/plain"


def test_without_credits_every_paid_call_is_402_and_usage_tells_what_was_paid(
    box: Sandbox,
) -> None:
    control(box, "credits", "POST", balance=1)
    codes = [api(box, "/v1/tiktok/profile", handle=HANDLE).status for _ in range(3)]
    assert codes == [200, 402, 402]
    calls = api(box, "/v1/account/get-api-usage", endpoint="profile").json()
    assert [call["credits"] for call in calls] == [0, 0, 1]
    assert api(box, "/v1/account/get-api-usage", statusCode="200").json()[0]["credits"] == 1
    daily = api(box, "/v1/account/get-daily-usage-count").json()
    assert daily == [{"usage_date": "2026-11-18", "total_credits": "1", "request_count": "3"}]


def test_bad_calls_are_refused_in_the_apis_own_words(box: Sandbox) -> None:
    assert api(box, "/v1/tiktok/profile", key="", handle=HANDLE).status == 401
    assert api(box, "/v1/tiktok/profile", key="wrong", handle=HANDLE).status == 401
    missing = api(box, VIDEOS)
    assert (missing.status, missing.json()["error"]) == (400, "missing_parameter")
    assert api(box, "/v1/tiktok/profile", handle="no.body").status == 404
    assert api(box, "/v3/tiktok/profile-videos", handle=HANDLE).status == 404
    assert api(box, "/v1/tiktok/profile", handle=HANDLE, nonsense="1").status == 200


def test_a_profile_is_found_by_id_and_by_handle_in_any_case(box: Sandbox) -> None:
    user = api(box, "/v1/tiktok/profile", handle=HANDLE.upper()).json()["user"]
    again = api(box, "/v1/tiktok/profile", user_id=user["id"]).json()["user"]
    assert again["uniqueId"] == HANDLE


def test_pages_go_from_pinned_over_newest_to_the_last_without_gap_or_overlap(box: Sandbox) -> None:
    bodies = list(pages(box, "load.4"))
    ids = [item["aweme_id"] for body in bodies for item in body["aweme_list"]]
    assert [len(body["aweme_list"]) for body in bodies] == [30, 30, 30]
    assert len(set(ids)) == 90
    assert ids == [post["id"] for post in box.truth("load.4")["posts"]]
    assert all(type(body["has_more"]) is int for body in bodies)
    assert bodies[0]["max_cursor"] > bodies[1]["max_cursor"]


def test_popular_order_is_by_views(box: Sandbox) -> None:
    bodies = list(pages(box, HANDLE, sort_by="popular"))
    views = [item["statistics"]["play_count"] for body in bodies for item in body["aweme_list"]]
    assert views == sorted(views, reverse=True)
    assert len(views) == 10


def test_the_trimmed_shape_lacks_what_the_real_one_lacks(box: Sandbox) -> None:
    body = api(box, VIDEOS, handle=HANDLE, trim="true").json()
    assert set(body) == {
        *("success", "credits_remaining", "credits_charged", "aweme_list", "max_cursor")
    }
    assert len(body["aweme_list"][0]) == 14


def test_items_have_the_irregularities_of_real_ones(box: Sandbox) -> None:
    items = posts(box, "load.2")
    assert all(item["author_user_id"] != int(item["author"]["uid"]) for item in items[:1])
    assert {item["url"].endswith(item["aweme_id"]) for item in items} == {True, False}
    assert {"music" in item for item in items} == {True, False}
    assert {"is_top" in item for item in items} == {True, False}
    photos = [item for item in items if item["content_type"] == "multi_photo"]
    assert all(item["video"]["duration"] == 0 for item in photos)
    assert all("audio_mpeg" in item["video"]["play_addr"]["uri"] for item in photos)
    assert items[0]["cha_list"] is None
    assert json.loads(items[0]["commerce_info"]["organic_log_extra"])["req_id"]


def test_a_single_post_is_complete_but_for_the_authors_counts(box: Sandbox) -> None:
    listed = posts(box)[0]
    url = f"https://www.tiktok.com/@{HANDLE}/photo/{listed['aweme_id']}"
    single = api(box, "/v2/tiktok/video", url=url).json()["aweme_detail"]
    assert single["aweme_id"] == listed["aweme_id"]
    assert (single["author"]["follower_count"], listed["author"]["follower_count"] > 0) == (0, True)
    assert api(box, "/v2/tiktok/video", url="https://vm.tiktok.com/Zx1/").status == 404
    other = url.replace(HANDLE, "somebody.else")
    assert api(box, "/v2/tiktok/video", url=other).status == 200
    assert api(box, "/v2/tiktok/video", url=url[:-3] + "000").status == 404


def test_a_cached_answer_is_free_and_says_so_but_lists_are_never_cached(box: Sandbox) -> None:
    first, second = (
        api(box, "/v1/tiktok/profile", handle=HANDLE, cache_max_age="1d").json() for _ in range(2)
    )
    assert (first["credits_charged"], "cached" in first) == (1, False)
    assert (second["credits_charged"], second["cached"]) == (0, True)
    answers = [api(box, VIDEOS, handle=HANDLE, cache_max_age="1d").json() for _ in range(2)]
    assert [answer["credits_charged"] for answer in answers] == [1, 1]


def test_every_link_of_a_post_opens_and_holds_what_its_name_says(box: Sandbox) -> None:
    for item in posts(box)[:2]:
        links = find_links(item)
        assert len(links) > 10
        for link in links:
            answer = fetch(link)
            assert answer.status == 200, link
            assert len(answer.body) == int(answer.headers["content-length"])
            assert kind_of(answer.body) == expected_kind(link), link


def find_links(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [link for key, part in value.items() if key != "uri" for link in find_links(part)]
    if isinstance(value, list):
        return [link for part in value for link in find_links(part)]
    return [value] if isinstance(value, str) and value.startswith("http://127.0.0.1") else []


def kind_of(content: bytes) -> str:
    if content[:3] == b"ID3":
        return "mp3"
    if content[4:12] == b"ftypisom":
        return "mp4"
    with Image.open(io.BytesIO(content)) as image:
        return str(image.format).lower()


def expected_kind(link: str) -> str:
    path = urlsplit(link).path
    if "~" in path:
        ending = path.rsplit(".", 1)[1]
        return {"heic": "heif", "image": "webp"}.get(ending, ending)
    if "/play/" in link:
        token = link.partition("video_id=")[2].partition("&")[0]
        asset = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return "mp4" if b"/video/" in asset else "mp3"
    return "mp3" if path.endswith(".mp3") or "audio_mpeg" in link else "mp4"


def test_the_first_slide_and_the_cover_share_a_uri_and_differ_in_bytes(box: Sandbox) -> None:
    item = next(item for item in posts(box) if item["aweme_type"] == 150)
    slide, cover = item["image_post_info"]["images"][0]["display_image"], item["video"]["cover"]
    assert slide["uri"] == cover["uri"]
    sizes = [
        Image.open(io.BytesIO(fetch(image["url_list"][0]).body)).size for image in (slide, cover)
    ]
    assert sizes == [(1080, 1440), (640, 853)]


def test_formats_are_mixed_and_about_a_third_of_photo_posts_is_heic_only(box: Sandbox) -> None:
    formats = [post["formats"] for post in box.truth("load.6")["posts"] if post["formats"]]
    only = [set(names) == {"heic"} for names in formats]
    assert 0.25 < sum(only) / len(only) < 0.42
    assert {name for names in formats for name in names} == {"heic", "webp", "jpeg"}


def test_a_link_opens_only_with_its_exact_bytes(box: Sandbox) -> None:
    link = slide_links(box)[0]
    signature = link.partition("x-signature=")[2].partition("&")[0]
    assert all(quoted in signature for quoted in ("%2F", "%2B", "%3D"))
    assert fetch(link).status == 200
    altered = (
        link.replace(signature, unquote(signature)),
        link.replace(signature, signature.lower()),
        link.replace("%2F", "/"),
        link.replace(".heic?", ".jpeg?").replace(".webp?", ".jpeg?").replace("dr=", "dr=1"),
        link.replace("x-expires=1", "x-expires=2"),
        link.replace("&sc=image", ""),
    )
    assert [fetch(other).status for other in altered] == [403] * len(altered)
    assert fetch(f"{box.url}/favicon.ico").status == 404


def test_links_die_when_the_clock_says_so_and_not_all_at_once(box: Sandbox) -> None:
    items = posts(box)
    clip = next(item for item in items if item["aweme_type"] == 0)
    links = {
        "slide": slide_links(box)[0],
        "clip": clip["video"]["play_addr"]["url_list"][0],
        "cover": clip["video"]["cover"]["url_list"][0],
        "avatar": items[0]["author"]["avatar_larger"]["url_list"][0],
        "sound": items[0]["music"]["play_url"]["url_list"][0],
    }
    alive = {}
    for hours in (0, 14, 26, 24 * 16):
        box.clock.reset()
        control(box, f"advance?seconds={hours * 3600}")
        alive[hours] = {name for name, link in links.items() if fetch(link).status == 200}
    assert alive[0] == set(links)
    assert alive[14] == {"slide", "clip", "avatar", "sound"}
    assert alive[26] == {"slide", "sound"}
    assert alive[24 * 16] == {"sound"}


def test_fresh_links_differ_from_old_ones_while_the_uri_stays(box: Sandbox) -> None:
    before = posts(box)[0]["video"]["cover"]
    control(box, "advance?seconds=7200")
    after = posts(box)[0]["video"]["cover"]
    assert before["uri"] == after["uri"]
    assert before["url_list"][0] != after["url_list"][0]


def test_a_range_is_answered_in_part(box: Sandbox) -> None:
    link = slide_links(box)[0]
    whole = fetch(link).body
    part = fetch(link, range="bytes=100-199")
    assert (part.status, part.body) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert fetch(link, range=f"bytes={len(whole)}-").status == 416


def test_some_content_types_lie(box: Sandbox) -> None:
    types = [fetch(link, method="HEAD").headers["content-type"] for link in cover_links(box)]
    assert len(set(types)) > 1


def cover_links(box: Sandbox) -> list[str]:
    names = ("fit.with.maya", "geld.einfach", "douce_peau", "ruta.lenta", "creator.9")
    items = [item for name in names for item in posts(box, name)]
    return [item["music"]["play_url"]["url_list"][0] for item in items if "music" in item]


def test_many_clients_get_the_same_bytes_of_a_file_that_is_drawn_once(box: Sandbox) -> None:
    link = slide_links(box, "creator.77")[0]
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(link).body)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_accounts_can_be_renamed_recycled_and_removed(box: Sandbox) -> None:
    uid = api(box, "/v1/tiktok/profile", handle="creator.1").json()["user"]["id"]
    control(box, "rename", "POST", **{"from": "creator.1", "to": "fresh.name"})
    assert api(box, "/v1/tiktok/profile", handle="creator.1").status == 404
    assert api(box, "/v1/tiktok/profile", handle="fresh.name").json()["user"]["id"] == uid
    assert api(box, VIDEOS, user_id=uid).json()["aweme_list"][0]["author"]["unique_id"] == (
        "fresh.name"
    )
    control(box, "recycle", "POST", handle="fresh.name")
    stranger = api(box, "/v1/tiktok/profile", handle="fresh.name").json()["user"]
    assert stranger["id"] != uid
    assert stranger["uniqueId"] == "fresh.name"
    control(box, "remove", "POST", handle="fresh.name")
    assert api(box, "/v1/tiktok/profile", handle="fresh.name").status == 404
    removed = posts(box)[2]["aweme_id"]
    control(box, "remove", "POST", post=removed)
    assert removed not in {item["aweme_id"] for item in posts(box)}
    url = f"https://www.tiktok.com/@{HANDLE}/video/{removed}"
    assert api(box, "/v2/tiktok/video", url=url).status == 404


def test_the_truth_is_told_for_all_of_the_demo_a_handle_or_a_post(box: Sandbox) -> None:
    whole = control(box, "truth")["profiles"]
    assert [profile["handle"] for profile in whole] == control(box, "handles")["demo"]
    one = control(box, f"truth/{HANDLE}")
    assert one == whole[0]
    post = one["posts"][0]
    assert control(box, f"truth/{HANDLE}/{post['id']}") == post
    assert one["counts"]["slides"] == sum(len(post["slides"]) for post in one["posts"])
    assert "error" in control(box, "truth/no.body")
    assert "error" in control(box, "nonsense")


def test_counters_tell_what_was_asked(box: Sandbox) -> None:
    fetch(slide_links(box)[0])
    counted = control(box, "stats")["requests"]
    assert counted == {f"GET {VIDEOS}": 2, "GET /cdn/": 1}
    assert control(box, "stats/clear", "POST")["requests"] == {}


def test_more_demo_profiles_and_an_exact_key_can_be_asked_for() -> None:
    with start(profiles=6, api_key="only.this", now=NOW) as sandbox:
        assert control(sandbox, "handles")["demo"][4:] == ["creator.5", "creator.6"]
        assert api(sandbox, "/v1/tiktok/profile", handle=HANDLE).status == 401
        right = api(sandbox, "/v1/tiktok/profile", key="only.this", handle=HANDLE)
        assert right.status == 200


def test_a_heart_can_be_drawn_on_every_slide_and_is_part_of_the_truth(box: Sandbox) -> None:
    with start(now=NOW, emoji_slides=True) as other:
        texts = [slide["text"] for slide in other.truth(HANDLE)["posts"][1]["slides"]]
        assert all(text.endswith(" ❤️") for text in texts)
        assert fetch(slide_links(other)[0]).body != fetch(slide_links(box)[0]).body


def test_two_sandboxes_of_one_seed_serve_the_same_bytes(box: Sandbox) -> None:
    with start(now=NOW) as other:
        mine, theirs = ([fetch(link).body for link in slide_links(one)[:2]] for one in (box, other))
    assert mine == theirs


def test_stopping_closes_the_port_and_kept_connections() -> None:
    before = threading.active_count()
    sandbox = start(now=NOW)
    assert api(sandbox, "/v1/tiktok/profile", handle=HANDLE).status == 200
    sandbox.stop()
    with pytest.raises(ConnectionRefusedError):
        fetch(f"{sandbox.url}/-/clock")
    assert threading.active_count() <= before


def test_the_process_says_when_it_is_ready_and_ends_on_sigterm() -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "carousel.sandbox", "--port", "0"]
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("sandbox ready on http://127.0.0.1:")
        assert "now" in fetch(f"{line.split()[-1]}/-/clock").json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_taken_port_and_a_public_address_are_one_clear_line(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(urlsplit(box.url).port)
    with pytest.raises(SystemExit) as ended:
        call_command("sandbox", "--port", port)
    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit) as ended:
        call_command("sandbox", "--host", "0.0.0.0")
    assert ended.value.code == 2
    assert "loopback only" in capsys.readouterr().err

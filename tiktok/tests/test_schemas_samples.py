"""Every real answer that we have goes through, and says what a person reads in it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tiktok.scraper import ScrapeError, parse_page, parse_profile, parse_video
from tiktok.scraper.posts import read_post
from tiktok.scraper.schemas import AuthorCounts, ScrapedMedia, ScrapedPost
from tiktok.tests.scraping import sample

PHOTO = "CONSTRUCTED_photo_aweme_type150.json"
TRENDING_PHOTO = "real_01_trending_photo_7540000301621841183.json"
TRENDING_VIDEO = "real_02_trending_video_7540968798585670968.json"
FULL_VIDEO = "real_10_profile_videos_full_7470969622276164906.json"
SEARCH_PHOTO = "real_12_search_top_multi_photo_7620673421353012494.json"
POSTS = (PHOTO, TRENDING_PHOTO, TRENDING_VIDEO, FULL_VIDEO, SEARCH_PHOTO)


def post(shared: Path, name: str) -> ScrapedPost:
    found = read_post(sample(shared, name))
    assert isinstance(found, ScrapedPost), found
    return found


def every_media(found: ScrapedPost) -> list[ScrapedMedia]:
    sound = found.music.media if found.music else None
    single = [found.cover, found.video, found.author.avatar, sound]
    return [item for item in single if item] + [slide.media for slide in found.slides]


def strings(value: object) -> set[str]:
    """Every string in decoded JSON."""
    if isinstance(value, str):
        return {value}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(strings, inside))


def test_no_sample_is_left_out(shared: Path) -> None:
    """A new file in the folder must be given a test."""
    read_here = {
        *POSTS,
        "profile_stoolpresidente.json",
        "profile_stoolpresidente_cached.json",
        "sc/v1_tiktok_profile.sampleResponse.json",
        "sc/v1_tiktok_profile.cachedResponse.json",
        "sc/v2_tiktok_video.sampleResponse.json",
        "sc/v2_tiktok_video.cachedResponse.json",
        "sc/v3_tiktok_profile_videos.sampleResponse.json",
        "sc/v3_tiktok_profile_videos.trimmedResponse.json",
        "envelope_multi_page_shape.json",
        "envelope_v2_video_full.json",
        "envelope_v3_profile_videos_full.json",
        "envelope_v3_profile_videos_trimmed.json",
        "profile_region.json",
        "scrapecreators_error_bodies.json",
    }
    folder = shared / "samples"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.json")} == read_here


def test_a_photo_post_in_full(shared: Path) -> None:
    found = post(shared, PHOTO)
    assert found.tiktok_id == "7611111111111111111"
    assert found.content_type == "photo"
    assert found.url == "https://www.tiktok.com/@stoolpresidente/photo/7611111111111111111"
    assert found.published_at == datetime(2026, 1, 31, 22, 53, 20, tzinfo=UTC)
    assert found.caption == "3 slides of pizza 🍕‍ ratings  #onebite #fyp "
    assert (found.hashtags, found.mentions) == (("onebite", "fyp"), ())
    assert found.duration_ms is None
    assert (found.view_count, found.like_count, found.comment_count) == (141567, 18651, 152)
    assert (found.share_count, found.save_count) == (237, 274)
    assert found.author.user_id == "6659752019493208069"
    assert found.author.counts == AuthorCounts(4248754, 74, 197202536, 2038)
    assert found.video is None
    assert found.slides_known
    assert [slide.position for slide in found.slides] == [0, 1, 2]
    sizes = [(slide.width, slide.height) for slide in found.slides]
    assert sizes == [(1080, 1440), (1440, 1080), (1080, 1920)]
    extensions = [
        [url.split("?")[0].rsplit(".")[-1] for url in slide.media.urls] for slide in found.slides
    ]
    assert extensions == [["jpeg", "heic", "heic"], ["jpeg", "webp", "webp"], ["heic"]]
    assert found.slides[0].media.source_key == (
        "image:display:tos-useast5-i-photomode-tx/951dad0957d184c51508a1cf6bd7f981"
    )
    assert found.cover is not None
    assert found.cover.source_key.endswith("951dad0957d184c51508a1cf6bd7f981")
    assert found.music is not None
    assert found.music.id == "7470969632736709422"
    assert found.music.media is not None
    assert found.music.media.kind == "audio"
    assert found.music.media.urls[0].endswith("7470969676743461675.mp3")
    assert "/aweme/v1/play/" in found.music.media.urls[-1]


def test_a_trending_photo_without_a_handle(shared: Path) -> None:
    found = post(shared, TRENDING_PHOTO)
    assert found.content_type == "photo"
    assert found.author.handle is None
    assert found.author.counts is None
    assert found.url == "https://www.tiktok.com/@breannafriedman0/photo/7540000301621841183"
    assert found.title == "The most perfect fall getaway for the day or the night! 🍂"
    assert found.hashtags == ("hudsonvalley", "fallgetaway", "farm", "upstateny", "resort")
    assert found.author.nickname == "Bre 🤍"
    (slide,) = found.slides
    assert slide.media.urls[0].split("?")[0].endswith(".jpeg")
    assert slide.media.expires_at == datetime(2025, 9, 10, 23, 0, tzinfo=UTC)
    assert found.video is None
    assert found.music is not None
    assert (found.music.title, found.music.id) == ("", None)
    assert found.music.media is not None
    assert found.music.media.source_key == (
        "audio:sound:video/tos/useast5/tos-useast5-ve-27dcd7c799-tx/"
        "ocTKSt6SBoLEzYiMEvPhB7Ak7g1fI9ZDxCOqp8"
    )


def test_a_trending_video(shared: Path) -> None:
    found = post(shared, TRENDING_VIDEO)
    assert (found.content_type, found.slides, found.cover) == ("video", (), None)
    assert found.author.handle == "lyngame.52"
    assert (found.region, found.language) == ("VN", "en")
    assert found.video is not None
    assert found.video.source_key == "video:h264:v14033g50000d2jed4vog65sp3hesl60"
    assert (found.video.byte_size, found.video.width, found.video.height) == (2337618, 576, 1024)
    assert found.video.expires_at == datetime(2025, 8, 27, 5, 48, 40, tzinfo=UTC)
    assert "/aweme/v1/play/" in found.video.urls[-1]


def test_a_photo_from_search_has_bare_links_and_an_iso_time(shared: Path) -> None:
    found = post(shared, SEARCH_PHOTO)
    assert (found.tiktok_id, found.content_type) == ("7620673421353012494", "photo")
    assert found.published_at == datetime(2026, 3, 24, 4, 25, 45, tzinfo=UTC)
    assert found.hashtags == ("fyp", "dog", "funny", "humor", "blowthisup")
    (slide,) = found.slides
    assert slide.media.source_key == (
        "image:display:tos-useast5-i-photomode-tx/d986e70321f24c6f84a0ceca0aa3487f"
    )
    assert found.video is None
    assert found.music is not None
    assert found.music.author == "𝐙"
    assert found.music.id is None, "a rounded number is no id"
    assert found.author.counts == AuthorCounts(1680, 504, None, None)


def test_a_page_of_videos(shared: Path) -> None:
    page = parse_page(sample(shared, "sc/v3_tiktok_profile_videos.sampleResponse.json"))
    (found,) = page.posts
    assert found == post(shared, FULL_VIDEO)
    assert (page.cursor, page.has_more) == ("1738435195000", True)
    assert (page.skipped, page.duplicates) == ((), 0)
    assert (page.credits_charged, page.credits_remaining, page.cached) == (1, 1000000, False)
    assert page.server_time == datetime(2025, 2, 13, 20, 59, 24, tzinfo=UTC)
    assert found.published_at == datetime(2025, 2, 13, 18, 18, 3, tzinfo=UTC)
    assert found.url == "https://www.tiktok.com/@stoolpresidente/video/7470969622276164906"
    assert found.duration_ms == 89131
    assert found.video is not None
    assert found.video.byte_size == 16179765
    assert found.video.source_key == "video:h264:v12044gd0000cun31j7og65u0srqh9p0"


def test_a_trimmed_page(shared: Path) -> None:
    page = parse_page(sample(shared, "sc/v3_tiktok_profile_videos.trimmedResponse.json"))
    (found,) = page.posts
    assert (found.tiktok_id, found.content_type) == ("7517114944362499342", "video")
    assert (page.cursor, page.has_more, page.server_time) == ("1748286476000", True, None)
    assert found.music is None
    assert found.video is not None
    assert found.video.source_key.startswith("video:h264:")


@pytest.mark.parametrize("name", ["sampleResponse", "cachedResponse"])
def test_a_single_video(shared: Path, name: str) -> None:
    answer = parse_video(sample(shared, f"sc/v2_tiktok_video.{name}.json"))
    assert answer.cached is (name == "cachedResponse")
    assert answer.credits_charged == (0 if answer.cached else 1)
    assert answer.transcript is not None
    assert answer.post.mentions == ("Amici Pizza",)
    assert answer.post.author.counts is None, "zeros beside a post are nobody's counts"
    assert answer.post.video is not None
    assert answer.post.video.source_key == "video:h264:v12044gd0000cu9ck07og65l64ao3qtg"
    assert answer.post.url.endswith("@stoolpresidente/video/7463250363559218474")


@pytest.mark.parametrize(
    "name",
    [
        "profile_stoolpresidente.json",
        "profile_stoolpresidente_cached.json",
        "sc/v1_tiktok_profile.sampleResponse.json",
        "sc/v1_tiktok_profile.cachedResponse.json",
    ],
)
def test_a_profile(shared: Path, name: str) -> None:
    answer = parse_profile(sample(shared, name))
    found = answer.profile
    assert answer.cached is ("cached" in name)
    assert (found.tiktok_user_id, found.handle) == ("6659752019493208069", "stoolpresidente")
    assert found.sec_uid is not None
    assert found.sec_uid.startswith("MS4wLjABAAAAINC_")
    assert (found.nickname, found.bio) == ("Dave Portnoy", "El Presidente/Barstool Sports Founder.")
    assert (found.verified, found.private, found.language) == (True, False, "en")
    assert (found.follower_count, found.following_count) == (4100000, 74)
    assert (found.like_count, found.video_count) == (190400000, 2017)
    assert not found.counts_are_exact
    assert found.avatar is not None
    assert found.avatar.expires_at == datetime(2025, 1, 26, 20, 0, tzinfo=UTC)


def test_both_shapes_of_an_account_agree_on_its_avatar(shared: Path) -> None:
    profile = parse_profile(sample(shared, "profile_stoolpresidente.json")).profile
    author = post(shared, FULL_VIDEO).author
    assert profile.avatar is not None
    assert author.avatar is not None
    assert profile.avatar.source_key == author.avatar.source_key
    assert (profile.tiktok_user_id, profile.sec_uid) == (author.user_id, author.sec_uid)


@pytest.mark.parametrize(
    "name", ["envelope_multi_page_shape", "envelope_v3_profile_videos_full", "profile_region"]
)
def test_shapes_without_content_do_not_pass_for_content(shared: Path, name: str) -> None:
    answer = sample(shared, f"{name}.json")
    with pytest.raises(ScrapeError) as caught:
        parse_profile(answer)
    assert caught.value.code == "malformed_answer"
    with pytest.raises(ScrapeError):
        parse_video(answer)
    if name == "envelope_multi_page_shape":  # its item is a sentence
        page = parse_page(answer)
        assert [item.reason for item in page.skipped] == ["not_an_object"]
        assert (page.posts, page.has_more, page.cursor) == ((), True, "1769000000000")
    else:
        with pytest.raises(ScrapeError):
            parse_page(answer)


@pytest.mark.parametrize("name", ["v2_video_full", "v3_profile_videos_trimmed"])
def test_envelopes_with_a_pointer_in_place_of_posts(shared: Path, name: str) -> None:
    answer = sample(shared, f"envelope_{name}.json")
    for parse in (parse_page, parse_video, parse_profile):
        with pytest.raises(ScrapeError) as caught:
            parse(answer)
        assert caught.value.code == "malformed_answer"


def test_error_bodies_never_pass_for_content(shared: Path) -> None:
    bodies = json.loads((shared / "samples/scrapecreators_error_bodies.json").read_text())
    for entry in bodies:
        for parse in (parse_page, parse_video, parse_profile):
            with pytest.raises(ScrapeError):
                parse(entry["body"])


@pytest.mark.parametrize("name", POSTS)
def test_links_are_exact_bytes_and_names_hold_no_signature(shared: Path, name: str) -> None:
    found = post(shared, name)
    known = strings(sample(shared, name))
    every = every_media(found)
    assert every
    for media in every:
        assert media.urls
        assert set(media.urls) <= known
        assert len(set(media.urls)) == len(media.urls)
        assert not set("?&=~") & set(media.source_key)
        assert "x-expires" not in media.source_key
        assert len(media.source_key) <= 200


@pytest.mark.parametrize("name", [TRENDING_PHOTO, TRENDING_VIDEO, FULL_VIDEO, SEARCH_PHOTO])
def test_a_missing_time_is_read_from_the_id(shared: Path, name: str) -> None:
    aweme = sample(shared, name)
    del aweme["create_time"]
    found = read_post(aweme)
    assert isinstance(found, ScrapedPost)
    assert abs(found.published_at - post(shared, name).published_at) < timedelta(minutes=5)


def test_a_page_of_35_posts_takes_milliseconds(shared: Path) -> None:
    """The bound is far above what it takes (8 ms), so that only a blunder fails it."""
    photo, video = sample(shared, PHOTO), sample(shared, FULL_VIDEO)
    photo["image_post_info"]["images"] *= 3
    listed = [
        (photo if n % 3 else video) | {"aweme_id": str(7540000301621841183 + n)} for n in range(35)
    ]
    answer = {"aweme_list": listed, "has_more": 1, "max_cursor": 1738435195000}
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        page = parse_page(answer)
        best = min(best, time.perf_counter() - began)
    assert len(page.posts) == 35
    assert best < 0.1

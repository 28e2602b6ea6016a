"""Irregularities of whole answers: rounded and overflown counts, cursors of every type, repeats."""

from __future__ import annotations

from typing import Any

import pytest

from tiktok.scraper import ScrapeError, parse_page, parse_profile, parse_video
from tiktok.scraper.schemas import ScrapedProfile, SkippedItem

USER: dict[str, Any] = {"id": "6659752019493208069", "uniqueId": "_some.handle"}


def profile(**answer: Any) -> ScrapedProfile:
    return parse_profile({"success": True, "user": USER} | answer).profile


def aweme(number: int, **more: Any) -> dict[str, Any]:
    return {
        "aweme_id": f"754000030162184{number:04}",
        "create_time": 1755543133 - number,
        "author": {"uid": "1", "unique_id": "b"},
    } | more


class TestProfileCounts:
    def test_the_exact_ones_win(self) -> None:
        found = profile(
            stats={"followerCount": 156500000, "heartCount": -977433948, "videoCount": 3000},
            statsV2={
                "followerCount": "156537139",
                "followingCount": "0",
                "heartCount": "11907467940",
                "videoCount": "2987",
            },
        )
        assert (found.follower_count, found.following_count) == (156537139, 0)
        assert (found.like_count, found.video_count) == (11907467940, 2987)
        assert found.counts_are_exact

    def test_rounded_ones_are_flagged_and_overflown_ones_unknown(self) -> None:
        stats = {"followerCount": 4100000, "heartCount": -977433948, "heart": -977433948}
        found = profile(stats=stats)
        assert (found.follower_count, found.like_count) == (4100000, None)
        assert (found.following_count, found.video_count) == (None, None)
        assert not found.counts_are_exact

    def test_a_gap_in_the_exact_ones_is_filled_and_flagged(self) -> None:
        found = profile(stats={"videoCount": 7, "heart": 5}, statsV2={"followerCount": "3"})
        assert (found.follower_count, found.video_count, found.like_count) == (3, 7, 5)
        assert not found.counts_are_exact

    @pytest.mark.parametrize("stats", [None, [], {}, {"followerCount": "many"}, 5])
    def test_no_counts_are_unknown_counts(self, stats: object) -> None:
        found = profile(stats=stats, statsV2=stats)
        assert found.follower_count is None
        assert not found.counts_are_exact


class TestProfile:
    @pytest.mark.parametrize(
        ("user", "private"),
        [
            ({"privateAccount": True}, True),
            ({"secret": 1}, True),
            ({"secret": 0}, False),
            ({}, False),
        ],
    )
    def test_a_private_account_still_answers(self, user: dict[str, Any], private: bool) -> None:
        assert profile(user=USER | user).private is private

    def test_text_is_cleaned_and_kept_as_it_is_otherwise(self) -> None:
        found = profile(user=USER | {"signature": " a\x00\n\ud800b ", "nickname": ""})
        assert (found.bio, found.nickname) == (" a\nb ", "")

    @pytest.mark.parametrize(
        "user",
        [
            None,
            {},
            [],
            {"uniqueId": "a"},
            {"id": "1"},
            {"id": 6659752019493208000, "uniqueId": "a"},
        ],
    )
    def test_an_account_without_id_or_handle_is_none(self, user: object) -> None:
        with pytest.raises(ScrapeError, match="id or handle") as caught:
            profile(user=user)
        assert caught.value.code == "malformed_answer"


class TestPages:
    @pytest.mark.parametrize(
        ("told", "more"),
        [
            (1, True),
            (True, True),
            ("1", True),
            (0, False),
            (False, False),
            ("0", False),
            (None, False),
        ],
    )
    def test_has_more_comes_in_many_types(self, told: object, more: bool) -> None:
        assert parse_page({"aweme_list": [], "has_more": told}).has_more is more

    @pytest.mark.parametrize(
        ("told", "cursor"),
        [
            (1738435195000, "1738435195000"),
            ("1738435195000", "1738435195000"),
            (1738435195000.0, "1738435195000"),
            ("5", "5"),
            ("opaque-cursor", "opaque-cursor"),
            (0, None),
            ("0", None),
            (-1, None),
            ("-1", None),
            ("", None),
            (None, None),
            ({}, None),
        ],
    )
    def test_a_cursor_goes_on_verbatim_or_not_at_all(self, told: object, cursor: str) -> None:
        assert parse_page({"aweme_list": [], "max_cursor": told}).cursor == cursor

    def test_a_cursor_that_is_missing_is_none(self) -> None:
        page = parse_page({"aweme_list": [aweme(1)]})
        assert (page.cursor, page.has_more) == (None, False)

    def test_order_is_kept_with_pinned_posts_first(self) -> None:
        listed = [aweme(9, is_top=1), aweme(1, is_top=0), aweme(2)]
        page = parse_page({"aweme_list": listed})
        assert [post.is_pinned for post in page.posts] == [True, False, False]
        assert [post.tiktok_id[-1] for post in page.posts] == ["9", "1", "2"]

    def test_a_post_that_is_repeated_counts_once(self) -> None:
        listed = [aweme(9, is_top=1), aweme(1), aweme(9, is_top=0)]
        page = parse_page({"aweme_list": listed})
        assert len(page.posts) == 2
        assert page.posts[0].is_pinned
        assert page.duplicates == 1

    def test_a_bad_item_is_counted_and_skipped(self) -> None:
        listed: list[object] = [
            None,
            aweme(1),
            aweme(2) | {"aweme_id": 7540000301621841000},
            {"id": {}},
        ]
        page = parse_page({"aweme_list": listed})
        assert len(page.posts) == 1
        assert page.skipped == (
            SkippedItem("not_an_object"),
            SkippedItem("rounded_id", "7540000301621841000"),
            SkippedItem("no_id"),
        )

    def test_tiktoks_code_does_not_spoil_posts_that_came(self) -> None:
        assert len(parse_page({"status_code": 8, "aweme_list": [aweme(1)]}).posts) == 1

    def test_credits_that_are_not_told_are_unknown(self) -> None:
        page = parse_page({"aweme_list": []})
        assert (page.credits_charged, page.credits_remaining, page.cached) == (None, None, False)


class TestSinglePosts:
    def test_a_null_post_is_perhaps_gone(self) -> None:
        with pytest.raises(ScrapeError) as caught:
            parse_video({"success": True, "aweme_detail": None}, what="post 5")
        assert (caught.value.code, caught.value.retryable) == ("not_found", False)
        assert "post 5" in str(caught.value)

    @pytest.mark.parametrize("detail", [{}, [], "x", aweme(1) | {"author": None}])
    def test_a_post_that_cannot_be_kept_is_malformed(self, detail: object) -> None:
        with pytest.raises(ScrapeError) as caught:
            parse_video({"aweme_detail": detail})
        assert caught.value.code == "malformed_answer"

    @pytest.mark.parametrize("told", [None, "", 5])
    def test_no_transcript_is_none(self, told: object) -> None:
        assert parse_video({"aweme_detail": aweme(1), "transcript": told}).transcript is None

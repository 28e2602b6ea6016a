"""Each irregularity of TikTok's posts that was ever seen, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tiktok.scraper.posts import read_post
from tiktok.scraper.schemas import AuthorCounts, SkippedItem
from tiktok.tests.awemes import CLIP, ID, IMAGE, SOUND, aweme, picture, read, slide


class TestSkipping:
    @pytest.mark.parametrize(
        ("item", "skipped"),
        [
            (None, SkippedItem("not_an_object")),
            ("text", SkippedItem("not_an_object")),
            ([], SkippedItem("not_an_object")),
            ({}, SkippedItem("no_id")),
            (aweme(aweme_id=None), SkippedItem("no_id")),
            (aweme(aweme_id="abc"), SkippedItem("no_id")),
            (aweme(aweme_id="7540000301621841183 "), SkippedItem("no_id")),
            (
                aweme(aweme_id=7540000301621841000),
                SkippedItem("rounded_id", "7540000301621841000"),
            ),
            (aweme(author=None), SkippedItem("no_author_id", ID)),
            (aweme(author={"uid": 6754760670083139000}), SkippedItem("no_author_id", ID)),
            (aweme(aweme_id="123", create_time=0), SkippedItem("no_publish_time", "123")),
            (aweme(aweme_id="9" * 32, create_time=None), SkippedItem("no_publish_time", "9" * 32)),
        ],
    )
    def test_what_cannot_be_kept_says_why(self, item: object, skipped: SkippedItem) -> None:
        assert read_post(item) == skipped

    def test_the_least_that_is_a_post(self) -> None:
        found = read()
        assert (found.content_type, found.slides, found.slides_known) == ("video", (), True)
        assert (found.cover, found.video, found.music) == (None, None, None)
        assert found.view_count is None, "missing is unknown, not 0"
        assert found.duration_ms is None


class TestContentType:
    @pytest.mark.parametrize(
        ("changes", "content_type", "slides_known"),
        [
            ({"image_post_info": {"images": [slide("a")]}, "aweme_type": 0}, "photo", True),
            ({"image_post_info": {"images": [slide("a")]}, "content_type": "video"}, "photo", True),
            ({"content_type": "multi_photo"}, "photo", False),
            ({"content_type": "multi_photo", "image_post_info": {"images": []}}, "photo", False),
            ({"aweme_type": 150}, "photo", False),
            ({"aweme_type": 150, "image_post_info": {"images": None}}, "photo", False),
            ({"aweme_type": 0}, "video", True),
            ({"aweme_type": 0, "url": f"https://www.tiktok.com/@b/photo/{ID}"}, "video", True),
            ({"content_type": "video", "url": "https://x/photo/1"}, "video", True),
            ({"url": f"https://www.tiktok.com/@b/photo/{ID}"}, "photo", False),
            ({"url": f"https://www.tiktok.com/@b/video/{ID}"}, "video", True),
            ({"video": {"play_addr": {"uri": SOUND, "url_list": [SOUND]}}}, "photo", False),
            ({"image_post_info": None, "image_infos": None}, "video", True),
        ],
    )
    def test_what_is_surest_decides(
        self, changes: dict[str, Any], content_type: str, slides_known: bool
    ) -> None:
        found = read(**changes)
        assert (found.content_type, found.slides_known) == (content_type, slides_known)
        assert f"/@bre/{content_type}/{ID}" in found.url

    def test_the_sound_of_a_photo_post_is_never_its_video(self) -> None:
        video = {"duration": 0, "play_addr": {"uri": SOUND, "url_list": [SOUND]}}
        found = read(content_type="multi_photo", video=video)
        assert found.video is None
        assert found.duration_ms is None
        assert found.music is not None
        assert found.music.media is not None
        assert found.music.media.urls == (SOUND,)
        assert found.music.media.source_key == "audio:sound:video/tos/a/o1"
        assert found.music.media.expires_at == datetime(2025, 9, 2, 23, 50, 24, tzinfo=UTC)
        assert read(content_type="video", video=video).video is None

    def test_a_photo_post_has_no_video_whatever_its_video_object_holds(self) -> None:
        video = {"duration": 5000, "play_addr": {"uri": "v1", "url_list": [CLIP]}}
        found = read(image_post_info={"images": [slide("a")]}, video=video)
        assert (found.video, found.duration_ms) == (None, None)

    def test_the_video_of_a_video_post_is_never_its_sound(self) -> None:
        found = read(aweme_type=0, video={"play_addr": {"uri": "v1", "url_list": [CLIP]}})
        assert found.video is not None
        assert found.music is None


class TestSlides:
    def test_the_order_is_theirs_and_a_gap_keeps_its_place(self) -> None:
        images = [slide("a"), {"display_image": {"uri": "x", "url_list": []}}, slide("c"), None]
        found = read(image_post_info={"images": images})
        assert [(item.position, item.media.source_key) for item in found.slides] == [
            (0, "image:display:tos-i-photomode/a"),
            (2, "image:display:tos-i-photomode/c"),
        ]
        assert not found.slides_known

    def test_other_variants_stand_in_for_the_display_image(self) -> None:
        marked = {"display_image": None, "owner_watermark_image": picture("a")}
        small = {"thumbnail": picture("b", width=360, height=480)}
        graded = {"bitrate_images": [{"name": "q80", "bitrate_image": picture("c")}]}
        found = read(image_post_info={"images": [marked, small, graded]})
        assert [item.media.source_key for item in found.slides] == [
            "image:owner-watermark:tos-i-photomode/a",
            "image:thumbnail:tos-i-photomode/b",
            "image:display:tos-i-photomode/c",
        ]
        assert found.slides_known

    def test_a_live_photo_is_its_still_picture(self) -> None:
        live = slide("a") | {"video": {"play_addr": {"url_list": [CLIP]}}, "live_images": [None]}
        found = read(image_post_info={"images": [live | {"bitrate_images": None}]})
        (item,) = found.slides
        assert item.media.urls == (IMAGE.format("a"),)
        assert found.video is None

    @pytest.mark.parametrize("many", [False, True])
    def test_the_carousels_own_cover_is_one_object_or_a_list(self, many: bool) -> None:
        cover = slide("cover")
        info = {"images": [slide("a")], "image_post_cover": [cover] if many else cover}
        found = read(image_post_info=info)
        assert found.cover is not None
        assert (found.cover.kind, found.cover.urls) == ("cover", (IMAGE.format("cover"),))

    def test_without_one_the_video_objects_cover_serves(self) -> None:
        video = {"cover": {"uri": "", "url_list": []}, "origin_cover": picture("o", width=720)}
        found = read(image_post_info={"images": [slide("a")]}, video=video)
        assert found.cover is not None
        assert found.cover.source_key == "cover:origin:tos-i-photomode/o"
        assert found.cover.width is None, "the width of a cover is a placeholder"


class TestNumbers:
    @pytest.mark.parametrize(
        ("told", "known"),
        [
            (0, 0),
            (852942803, 852942803),
            (5300000000, 5300000000),
            ("11907467940", 11907467940),
            (1e6, 1000000),
            (-977433948, None),
            ("-1", None),
            ("1.2M", None),
            ("", None),
            (None, None),
            (True, None),
            (1.5, None),
            (float("nan"), None),
            (float("inf"), None),
            (10**30, None),
            ("9" * 40, None),
            ([], None),
        ],
    )
    def test_counts(self, told: object, known: int | None) -> None:
        assert read(statistics={"play_count": told}).view_count == known

    @pytest.mark.parametrize(
        ("told", "known"),
        [
            (1755543133, datetime(2025, 8, 18, 18, 52, 13, tzinfo=UTC)),
            ("1755543133", datetime(2025, 8, 18, 18, 52, 13, tzinfo=UTC)),
            (1755543133000, datetime(2025, 8, 18, 18, 52, 13, tzinfo=UTC)),
            ("2025-08-18T18:52:13.000Z", datetime(2025, 8, 18, 18, 52, 13, tzinfo=UTC)),
            ("2025-08-18T20:52:13+02:00", datetime(2025, 8, 18, 18, 52, 13, tzinfo=UTC)),
            ("2025-08-18T18:52:13", datetime(2025, 8, 18, 18, 52, 13, tzinfo=UTC)),
        ],
    )
    def test_times(self, told: object, known: datetime) -> None:
        found = read(create_time=told)
        assert found.published_at == known
        assert found.published_at.tzinfo is UTC

    @pytest.mark.parametrize(
        "told", [0, -5, None, "", "yesterday", "0001-01-01T00:00:00+14:00", 10**18, {}]
    )
    def test_a_senseless_time_gives_way_to_the_ids(self, told: object) -> None:
        assert read(create_time=told).published_at.date().isoformat() == "2025-08-18"

    def test_the_pasted_time_and_link_are_not_believed(self) -> None:
        found = read(
            create_time_utc="2025-09-03T18:00:00.000Z",
            url="https://www.tiktok.com/@branttakes/video/7545933721589910798",
            author={"uid": "1"},
        )
        assert found.published_at.day == 18
        assert found.url == f"https://www.tiktok.com/@_/video/{ID}"

    def test_rounded_ids_are_not_used(self) -> None:
        music = {"id": 7470969632736710000, "title": "t", "play_url": {"url_list": [SOUND]}}
        found = read(music=music, author_user_id=6659752019493208000)
        assert found.music is not None
        assert found.music.id is None
        assert read(music=music | {"mid": "7470969632736709422"}).music is not None
        named = read(music=music | {"id_str": "7470969632736709422"}).music
        assert named is not None
        assert named.id == "7470969632736709422"

    @pytest.mark.parametrize(
        ("told", "known"),
        [
            ((10, 0, 5, 3), AuthorCounts(10, 0, 5, 3)),
            ((0, 0, 0, 0), None),
            ((None, None, None, None), None),
            ((1680, 504, 0, 0), AuthorCounts(1680, 504, None, None)),
            ((-1, 0, 0, 7), AuthorCounts(None, 0, 0, 7)),
        ],
    )
    def test_zeros_beside_a_post_may_mean_nothing(
        self, told: tuple[int | None, ...], known: AuthorCounts | None
    ) -> None:
        names = ("follower_count", "following_count", "total_favorited", "aweme_count")
        author = {"uid": "1"} | dict(zip(names, told, strict=True))
        assert read(author=author).author.counts == known


class TestFlags:
    @pytest.mark.parametrize(("told", "meant"), [(1, True), (True, True), ("1", True), (0, False)])
    def test_flags_come_in_many_types(self, told: object, meant: bool) -> None:
        found = read(is_top=told, is_ad=told, is_paid_partnership=told, status={"is_delete": told})
        assert (found.is_pinned, found.is_ad) == (meant, meant)
        assert (found.is_paid_partnership, found.is_deleted) == (meant, meant)

    def test_tiktoks_own_ad_flag_is_not_the_one(self) -> None:
        assert not read(is_ads=True).is_ad

    @pytest.mark.parametrize(
        ("status", "private"),
        [({"private_status": 1}, True), ({"self_see": True}, True), ({"private_status": 0}, False)],
    )
    def test_a_post_may_be_private(self, status: dict[str, Any], private: bool) -> None:
        assert read(status=status).is_private is private

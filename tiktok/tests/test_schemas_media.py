"""Which file of many is taken, which link first, and by which name it is known for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tiktok.scraper.answers import Address, Author, User, Video
from tiktok.scraper.media import media, parse_expiry, read_avatar
from tiktok.scraper.schemas import MediaKind, ScrapedMedia
from tiktok.scraper.streams import read_video

HEX = "55f0fa91eb07f93e6cc97b69cf44bd28"


def url(path: str, host: str = "p16-sign.tiktokcdn.com") -> str:
    return f"https://{host}/{path}"


def known(kind: MediaKind, *urls: str, uri: str = "") -> ScrapedMedia | None:
    address = Address.read({"uri": uri, "url_list": list(urls)})
    return media(kind, "v", address) if address else None


@pytest.mark.parametrize(
    ("link", "dies"),
    [
        (url("a~b.jpeg?x-expires=1777644000&x-signature=%2F"), 1777644000),
        (url("a?dr=1&x-expires=1777644000"), 1777644000),
        (url(f"{HEX}/67afaf05/video/tos/x/?a=1"), 0x67AFAF05),
        (url(f"{HEX}/67afaf05/video/?x-expires=1777644000"), 1777644000),
        (url("x?expire=1777644000"), 1777644000),
        (url("obj/ies-music/7470969676743461675.mp3"), None),
        (url("a?x-expires=soon"), None),
        (url("a?x-expires=99999999999"), None),
        (url("a?x-expires=1777644000junk"), None),
        (url(f"{HEX[:-1]}/67afaf05/video/"), None),
        (url(f"{HEX}/00000001/video/"), None),
        (url("a?not-x-expires=1777644000"), None),
        ("", None),
    ],
)
def test_the_life_of_a_link(link: str, dies: int | None) -> None:
    expected = datetime.fromtimestamp(dies, UTC) if dies else None
    assert parse_expiry(link) == expected


class TestOrder:
    def test_jpeg_comes_first_and_the_rest_as_given(self) -> None:
        links = [url(f"x~t.{kind}?s=1") for kind in ("webp", "heic", "jpeg", "avif", "JPG")]
        found = known("image", *links, uri="x")
        assert found is not None
        assert found.urls == tuple(links[index] for index in (2, 4, 0, 1, 3))

    def test_the_apis_fallback_comes_last(self) -> None:
        fallback = url("aweme/v1/play/?video_id=v1", "api16-normal-no1a.tiktokv.eu")
        found = known("video", fallback, url("a/b"), url("a/c"), uri="v1")
        assert found is not None
        assert found.urls == (url("a/b"), url("a/c"), fallback)

    def test_the_life_is_that_of_the_first(self) -> None:
        found = known("image", url("a~b.webp?x-expires=1777640000"), url("a~b.jpeg"), uri="a")
        assert found is not None
        assert found.expires_at is None

    def test_bytes_are_kept_and_broken_links_dropped(self) -> None:
        exact = url("a~b.jpeg?x-signature=%2F%2b%3D&a=%7e&&b")
        bad = ["ftp://x/y", "javascript:1", url("a b"), url("a\x00"), url("\ud800"), 5, None]
        address = Address.read({"uri": "a", "url_list": [*bad, exact, exact, "https://x/" * 999]})
        assert address is not None
        assert address.url_list == (exact,)
        assert Address.read({"uri": "a", "url_list": bad}) is None
        assert Address.read({"uri": "a", "url_list": None}) is None


class TestNames:
    @pytest.mark.parametrize(
        ("kind", "uri", "link", "name"),
        [
            ("image", "tos-tx/abc", url("x~y.jpeg"), "tos-tx/abc"),
            ("image", "/tos-tx/abc~tplv-x.jpeg", url("x"), "tos-tx/abc"),
            ("image", "", url("tos-tx/abc~tplv-photomode:1:2.webp?x-signature=s"), "tos-tx/abc"),
            ("avatar", "", url("aweme/100x100/tos-alisg-avt/ab.jpg"), "tos-alisg-avt/ab"),
            ("avatar", "", url("img/tos-maliva/ab~c5_720x720.jpeg"), "tos-maliva/ab"),
            ("cover", "", url("tiktok-obj/15987.PNG~tplv.image"), "tiktok-obj/15987"),
            ("audio", "", url("obj/ies-music/747.mp3"), "obj/ies-music/747.mp3"),
            ("audio", url(f"{HEX}/68b782c0/video/o1/?a"), url("x"), None),
            ("video", "", url(f"{HEX}/68b782c0/video/tos/o1/?a=1"), "video/tos/o1"),
            ("video", "", url("aweme/v1/play/?line=0&video_id=v09&file_id=f", "api"), "v09"),
            ("video", "", url("aweme/v1/play/?line=0&file_id=f", "api"), "f"),
        ],
    )
    def test_what_lasts_of_an_address(
        self, kind: MediaKind, uri: str, link: str, name: str | None
    ) -> None:
        found = known(kind, link, uri=uri)
        assert found is not None
        assert found.source_key == f"{kind}:v:{name or 'x'}"

    @pytest.mark.parametrize(
        "link", ["https://host.tiktokcdn.com/", url("aweme/v1/play/?line=0"), "https://[broken/x"]
    )
    def test_what_has_no_lasting_name_is_not_kept(self, link: str) -> None:
        assert known("video", link) is None

    def test_a_new_signature_on_another_host_is_the_same_file(self) -> None:
        first = known("video", url(f"{HEX}/67afaf05/video/tos/o/?a=1", "v16m.tiktokcdn-us.com"))
        again = known("video", url(f"{HEX[::-1]}/68afaf05/video/tos/o/?a=2", "v19.tiktokcdn.com"))
        assert first is not None
        assert again is not None
        assert first.source_key == again.source_key
        assert first.expires_at != again.expires_at

    def test_a_long_name_is_shortened_without_collisions(self) -> None:
        one, two = known("image", url("x"), uri="a" * 500), known("image", url("x"), uri="a" * 501)
        assert one is not None
        assert two is not None
        assert len(one.source_key) < 200
        assert one.source_key != two.source_key


def offer(name: str, codec: str = "", **more: Any) -> dict[str, Any]:
    key = f"v1_{codec}_540p_1" if codec else ""
    link = url(f"video/{name}/?mime_type=video_mp4", "v16m.tiktokcdn.com")
    return {"uri": "v1", "url_list": [link], "url_key": key, "data_size": 5, **more}


def chosen(**video: Any) -> tuple[str, str] | None:
    """The codec and the place of the video that is taken."""
    found = read_video(Video.model_validate(video))
    return (found.source_key.split(":")[1], found.urls[0].split("/")[4]) if found else None


class TestVideo:
    @pytest.mark.parametrize(
        ("video", "expected"),
        [
            (
                {
                    "download_no_watermark_addr": offer("clean", "h264"),
                    "play_addr": offer("play", "h264"),
                    "has_watermark": True,
                },
                ("h264", "clean"),
            ),
            ({"play_addr": offer("play"), "has_watermark": False}, ("h264", "play")),
            ({"play_addr": offer("play"), "download_addr": offer("mark")}, ("h264", "play")),
            (
                {"play_addr": offer("play", "bytevc1"), "play_addr_h264": offer("h264")},
                ("h264", "h264"),
            ),
            (
                {"download_no_watermark_addr": offer("clean", "bytevc1"), "play_addr": offer("p")},
                ("h264", "p"),
            ),
            ({"is_bytevc1": 1, "play_addr": offer("play")}, ("hevc", "play")),
            ({"is_bytevc1": 1, "play_addr": offer("play", "h264")}, ("h264", "play")),
            (
                {
                    "play_addr": offer("play", "bytevc2"),
                    "bit_rate": [
                        {"is_bytevc1": 2, "play_addr": offer("b2")},
                        {"is_bytevc1": 1, "play_addr": offer("b1")},
                        {"is_bytevc1": 0, "play_addr": offer("b0")},
                    ],
                },
                ("h264", "b0"),
            ),
            (
                {"bit_rate": [{"is_h265": 1, "play_addr": offer("b1")}, None, {"play_addr": 3}]},
                ("hevc", "b1"),
            ),
            (
                {"play_addr_bytevc1": offer("hevc"), "download_addr": offer("mark", "h264")},
                ("hevc", "hevc"),
            ),
            ({"download_addr": offer("mark", "h264")}, ("watermarked", "mark")),
            ({"is_bytevc1": 2, "play_addr": offer("play")}, None),
            ({"play_addr": offer("play", "bytevc2")}, None),
            ({"play_addr": {"uri": "v1", "url_list": []}}, None),
            ({}, None),
        ],
    )
    def test_which_one_is_taken(
        self, video: dict[str, Any], expected: tuple[str, str] | None
    ) -> None:
        assert chosen(**video) == expected

    def test_sound_is_never_taken_for_a_video(self) -> None:
        sound = {"uri": "x", "url_list": [url("a/?mime_type=audio_mpeg")]}
        assert chosen(play_addr=sound) is None
        assert chosen(play_addr=sound, download_addr=offer("mark")) == ("watermarked", "mark")

    def test_the_size_of_the_watermarked_one_is_a_placeholder(self) -> None:
        marked = read_video(Video(download_addr=offer("mark", width=720, height=720)))
        clean = read_video(Video(play_addr=offer("play", width=576, height=1024)))
        assert marked is not None
        assert clean is not None
        assert (marked.width, marked.height, marked.byte_size) == (None, None, 5)
        assert (clean.width, clean.height, clean.byte_size) == (576, 1024, 5)
        unknown = read_video(Video(play_addr=offer("play", data_size=0, width=0, height=-1)))
        assert unknown is not None
        assert (unknown.width, unknown.height, unknown.byte_size) == (None, None, None)


class TestAvatar:
    def test_the_largest_that_has_a_link(self) -> None:
        author = Author(
            avatar_larger={"uri": "a", "url_list": []},
            avatar_medium={"uri": "a", "url_list": [url("a~m.heic")]},
            avatar_thumb={"uri": "a", "url_list": [url("a~t.jpeg")]},
        )
        found = read_avatar(author)
        assert found is not None
        assert (found.kind, found.source_key) == ("avatar", "avatar:medium:a")
        assert read_avatar(Author()) is None

    def test_the_webs_shape_has_bare_links(self) -> None:
        found = read_avatar(User(avatarLarger=url("tos-avt/7~c5_1080x1080.jpeg?x-expires=1")))
        assert found is not None
        assert found.source_key == "avatar:larger:tos-avt/7"
        assert read_avatar(User(avatarLarger="", avatarThumb=17)) is None

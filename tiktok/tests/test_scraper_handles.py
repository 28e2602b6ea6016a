"""Handles and post links in every spelling that people paste."""

from __future__ import annotations

import pytest

from tiktok.scraper import parse_handle, parse_post_url, post_url


@pytest.mark.parametrize(
    ("pasted", "handle"),
    [
        ("some.handle", "some.handle"),
        ("@Some.Handle", "some.handle"),
        ("  @some.handle/ \n", "some.handle"),
        ("_thetoledotroopers_", "_thetoledotroopers_"),
        ("b.fan.quang.hn", "b.fan.quang.hn"),
        ("@tiktok.com", "tiktok.com"),
        ("under-score", "under-score"),
        ("x" * 32, "x" * 32),
        ("＠ethan.wya5", "ethan.wya5"),
        ("%40ethan.wya5", "ethan.wya5"),
        ("@handle?lang=en", "handle"),
        ("https://www.tiktok.com/@Handle", "handle"),
        ("http://tiktok.com/@handle/", "handle"),
        ("HTTPS://WWW.TIKTOK.COM/@HANDLE", "handle"),
        ("https://m.tiktok.com/@handle?_t=8&_r=1", "handle"),
        ("www.tiktok.com/@handle#top", "handle"),
        ("tiktok.com/@handle", "handle"),
        ("<https://www.tiktok.com/@handle>", "handle"),
        ('"@handle"', "handle"),
        ("https://www.tiktok.com/%40handle", "handle"),
        ("https://www.tiktok.com/@handle/video/7540000301621841183?x=1", "handle"),
        ("https://www.tiktok.com/@handle/photo/7540000301621841183", "handle"),
        ("https://www.tiktok.com:443/@handle", "handle"),
    ],
)
def test_what_people_paste(pasted: str, handle: str) -> None:
    assert parse_handle(pasted) == handle
    assert parse_handle(f"@{handle}") == handle


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("", "empty"),
        (" @ ", "not a TikTok handle"),
        ("two words", "not a TikTok handle"),
        ("@@twice", "not a TikTok handle"),
        ("x" * 33, "not a TikTok handle"),
        ("..", "not a TikTok handle"),
        ("a\x00b", "not a TikTok handle"),
        ("a\ud800b", "not a TikTok handle"),
        ("a<script>", "not a TikTok handle"),
        ("tiktok.com", "doesn't lead to a profile"),
        ("https://www.tiktok.com/", "doesn't lead to a profile"),
        ("https://www.tiktok.com/explore", "doesn't lead to a profile"),
        ("https://www.tiktok.com/@", "not a TikTok handle"),
        ("https://vm.tiktok.com/ZMabc/", "short link"),
        ("vt.tiktok.com/ZSabc", "short link"),
        ("https://www.tiktok.com/t/ZTabc/", "short link"),
        ("https://evil.example/@handle", "not a link to TikTok"),
        ("https://tiktok.com.evil.example/@handle", "not a link to TikTok"),
        ("https://eviltiktok.com/t/x", "not a link to TikTok"),
        ("javascript://www.tiktok.com/@handle", "not a link to TikTok"),
        ("https://[broken/@handle", "not a link"),
        ("https://www.instagram.com/handle", "not a link to TikTok"),
    ],
)
def test_what_cannot_be_a_handle_is_refused_in_words(pasted: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse_handle(pasted)
    assert len(str(caught.value)) < 300
    str(caught.value).encode()  # nothing in it that can't be printed or stored


def test_a_post_link_is_taken_apart_and_put_together() -> None:
    url = "https://www.tiktok.com/@some.handle/photo/7540000301621841183"
    assert parse_post_url(url) == ("some.handle", "photo", "7540000301621841183")
    assert parse_post_url(url + "/?_r=1#x") == parse_post_url(url)
    assert post_url(*parse_post_url(url)) == url
    nobody = "https://www.tiktok.com/@_/video/7540000301621841183"
    assert parse_post_url(nobody) == (None, "video", "7540000301621841183")
    assert post_url(None, "video", "7540000301621841183") == nobody


@pytest.mark.parametrize(
    "url",
    [
        "",
        "7540000301621841183",
        "https://vm.tiktok.com/ZMabc/",
        "https://www.tiktok.com/@handle",
        "https://www.tiktok.com/@handle/live/1",
        "https://www.tiktok.com/@handle/video/abc",
        "https://www.tiktok.com/handle/video/1",
        "https://evil.example/@handle/video/1",
        "http://[",
    ],
)
def test_other_links_are_no_posts(url: str) -> None:
    with pytest.raises(ValueError, match=r"address of a post|link|URL"):
        parse_post_url(url)

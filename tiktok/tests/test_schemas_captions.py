"""What becomes of the text of a post: captions, hashtags, mentions, names."""

from __future__ import annotations

import pytest

from tiktok.tests.awemes import read, slide


def test_offsets_count_utf16_units() -> None:
    caption = "To the 🐝 🐝 🐝  @Amici Pizza and #Fyp"
    mention = {"type": 0, "user_id": "1", "sec_uid": "x", "start": 17, "end": 29}
    hashtag = {"type": 1, "hashtag_name": "fyp", "start": 34, "end": 38}
    found = read(desc=caption, text_extra=[mention, hashtag])
    assert (found.mentions, found.hashtags) == (("Amici Pizza",), ("fyp",))


def test_offsets_hold_although_the_caption_is_cleaned() -> None:
    mention = {"type": 0, "user_id": "1", "start": 3, "end": 15}
    found = read(desc="\x00\ud83d @Amici Pizza!", text_extra=[mention])
    assert found.mentions == ("Amici Pizza",)
    assert found.caption == " @Amici Pizza!"


def test_hashtags_are_each_given_once() -> None:
    extra = [{"type": 1, "hashtag_name": name} for name in ("a", "TravisKelce", "traviskelce")]
    assert read(text_extra=extra).hashtags == ("a", "traviskelce")


@pytest.mark.parametrize("text_extra", [[], None, "x", [None, 1, {"type": 0}]])
def test_without_a_list_the_caption_itself_is_read(text_extra: object) -> None:
    caption = "#FYP #fyp #हिन्दी #日本語！ #blowthisup? ask @some.handle. or me@mail.com #a_b-c #"
    found = read(desc=caption, text_extra=text_extra)
    assert found.hashtags == ("fyp", "हिन्दी", "日本語", "blowthisup", "a_b")
    assert found.mentions == ("some.handle",)


def test_offsets_that_point_elsewhere_are_not_believed() -> None:
    wild = [
        {"user_id": "1", "start": 0, "end": 3},
        {"user_id": "1", "start": 900, "end": 2},
        {"user_id": "1", "start": -1, "end": 3},
    ]
    assert read(desc="no one here", text_extra=wild).mentions == ()


def test_nul_and_lone_surrogates_are_taken_out_and_nothing_else() -> None:
    author = {"uid": "1", "unique_id": "b\x00", "nickname": "☾\x00𖤓\ud800 ", "sec_uid": "\x00"}
    found = read(
        desc="a\x00b\udc00 🐈‍⬛  ‼️\n ",
        author=author,
        image_post_info={"images": [slide("a")], "title": "\x00t"},
        music={"title": "\ud83cm", "author": "\x00"},
    )
    assert found.caption == "ab 🐈‍⬛  ‼️\n "
    assert found.author.nickname == "☾𖤓 "
    assert (found.author.handle, found.author.sec_uid) == (None, None)
    assert found.title == "t"
    assert found.music is not None
    assert (found.music.title, found.music.author) == ("m", "")


def test_codes_are_codes_or_empty() -> None:
    found = read(region="US", desc_language="zh-Hant")
    assert (found.region, found.language) == ("US", "zh-Hant")
    assert read(region="x" * 50, desc_language=5).region == ""

"""The sandbox's world: the same story from the same seed, and rules that make it true."""

from __future__ import annotations

import hashlib
import io
import itertools
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from carousel.sandbox import draw, fingerprint, media
from carousel.sandbox.awemes import Aweme, js_number
from carousel.sandbox.glyphs import font, split
from carousel.sandbox.links import Links
from carousel.sandbox.phrases import CATEGORIES, LANGUAGES
from carousel.sandbox.posts import Post
from carousel.sandbox.world import DEMO_HANDLES, Creator, World

NOW = 1_795_000_000.0
DAY = 86_400


def creator(handle: str, seed: int = 7) -> Creator:
    found = World(seed).by_handle(handle)
    assert found is not None
    return found


def demo_posts() -> list[Post]:
    return [post for handle in DEMO_HANDLES for post in creator(handle).posts(NOW)]


def photo(handle: str = "fit.with.maya") -> Post:
    return next(post for post in creator(handle).posts(NOW) if post.is_photo)


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    same = [creator("load.3").posts(NOW) for _ in range(2)]
    assert same[0] == same[1]
    assert same[0] != creator("load.3", seed=8).posts(NOW)


def test_a_picture_is_the_same_to_the_byte_each_time_it_is_drawn() -> None:
    drawn = {hashlib.sha256(draw.slide(photo(), 0).tobytes()).hexdigest() for _ in range(2)}
    assert len(drawn) == 1
    files = {media.slide(photo(), 1, "heic") for _ in range(2)}
    assert len(files) == 1


@pytest.mark.parametrize("days", [0, 1, 17, 100, 800])
def test_the_demo_has_twenty_photo_posts_and_five_videos_at_any_time(days: int) -> None:
    posts = [post for name in DEMO_HANDLES for post in creator(name).posts(NOW + days * DAY)]
    assert sum(post.is_photo for post in posts) == 20
    assert sum(not post.is_photo for post in posts) == 5
    assert 70 <= sum(len(post.slides) for post in posts) <= 130


def test_new_posts_appear_in_the_creators_rhythm_and_old_ones_are_still_found() -> None:
    maya = creator("fit.with.maya")
    before, after = maya.posts(NOW), maya.posts(NOW + 8 * DAY)
    new = {post.id for post in after} - {post.id for post in before}
    assert 2 <= len(new) <= 7
    archived = before[-1]
    assert archived.id not in {post.id for post in after}
    assert maya.find(archived.id, NOW + 8 * DAY) == archived
    assert maya.find(after[0].id, NOW) is None


def test_at_most_three_pinned_posts_come_first_and_the_rest_newest_first() -> None:
    pinned_seen = 0
    for number in range(30):
        listed = creator(f"load.{number}").listed(NOW)
        pinned = list(itertools.takewhile(lambda post: post.pinned, listed))
        assert len(pinned) <= 3
        rest = listed[len(pinned) :]
        assert not any(post.pinned for post in rest)
        assert [post.created for post in rest] == sorted((p.created for p in rest), reverse=True)
        pinned_seen += len(pinned)
    assert pinned_seen > 10


def test_counters_grow_with_time_and_those_of_some_accounts_fall() -> None:
    post = photo()
    views = [post.counts(post.created + days * DAY).views for days in (0, 1, 3, 30, 300)]
    assert views[0] == 0
    assert views == sorted(views)
    assert views[-1] > views[1] > 0
    early, late = (
        post.counts(post.created + days * DAY, falling=True).likes for days in (13.9, 14.1)
    )
    assert late < early
    assert any(creator(f"load.{number}").falling for number in range(60))


def test_a_post_id_holds_its_time_like_tiktoks() -> None:
    post = photo()
    assert int(post.id) >> 32 == post.created
    assert len(post.id) == 19


def test_only_calls_to_action_hold_their_words() -> None:
    seen = set()
    for number in range(40):
        who = creator(f"load.{number}")
        words = LANGUAGES[who.language].cta_words
        for slide in (slide for post in who.posts(NOW) for slide in post.slides):
            asks = any(word in slide.text.lower() for word in words)
            assert asks == (slide.slide_type == "cta"), slide.text
            assert (slide.position == 0) == (slide.slide_type == "hook")
            seen.add((who.language, slide.slide_type))
    assert len(seen) == 4 * 3


def test_every_language_speaks_of_every_topic_and_tags_it() -> None:
    for language in LANGUAGES.values():
        assert set(language.topics) == set(CATEGORIES)
        tags = [topic.hashtags[0] for topic in language.topics.values()]
        assert len(set(tags)) == len(CATEGORIES)


def test_every_character_on_a_slide_can_be_drawn() -> None:
    ascii_width = font(40).getlength("\u2603")  # the box that stands for a missing letter
    assert ascii_width > 0
    for number in range(24):
        for slide in (s for post in creator(f"load.{number}").posts(NOW) for s in post.slides):
            base, marks = split(slide.text)
            assert base.isascii(), slide.text
            assert all(unicodedata.combining(mark) for _, mark in marks)


@pytest.mark.parametrize("kind", ["jpeg", "webp", "heic"])
def test_a_slide_is_recognised_after_encoding_halving_and_encoding_again(kind: str) -> None:
    post = photo("douce_peau")
    for slide in post.slides[:2]:
        served = Image.open(io.BytesIO(media.slide(post, slide.position, kind)))
        buffer = io.BytesIO()
        served.convert("RGB").resize((540, 720)).save(buffer, "JPEG", quality=70)
        found = fingerprint.read(Image.open(buffer))
        assert found == draw.identity(post, slide.position)


def test_a_slide_is_recognised_at_a_third_of_its_size() -> None:
    image = draw.slide(photo(), 0).resize((360, 480), Image.Resampling.LANCZOS)
    assert fingerprint.read(image) == draw.identity(photo(), 0)


def test_other_pictures_are_nobodys_slide() -> None:
    assert fingerprint.read(Image.new("RGB", (1080, 1440), "white")) is None
    assert fingerprint.read(Image.effect_noise((1080, 1440), 80)) is None
    assert fingerprint.read(draw.avatar(7, "x", "Xenia", 720)) is None


def test_the_clip_is_a_playable_h264_file_of_the_stated_size_and_length(tmp_path: Path) -> None:
    post = next(post for post in demo_posts() if not post.is_photo)
    path = tmp_path / "clip.mp4"
    path.write_bytes(media.video(post))
    reader = cv2.VideoCapture(str(path))
    assert (reader.get(cv2.CAP_PROP_FRAME_WIDTH), reader.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (
        576,
        1024,
    )
    frames = []
    while (read := reader.read())[0]:
        frames.append(read[1])
    assert len(frames) * 200 == post.duration_ms
    assert all(np.ptp(frame, axis=(0, 1)).max() == 0 for frame in (frames[0], frames[-1]))


def test_the_sound_is_a_chain_of_whole_mp3_frames() -> None:
    content = media.sound(media.Sound("1", "original sound - é", "é", 10))
    size = int.from_bytes(content[6:10], "big") + 10
    body = content[size:]
    assert content.startswith(b"ID3\x04")
    assert len(body) % 104 == 0
    assert {body[at : at + 4] for at in range(0, len(body), 104)} == {b"\xff\xfb\x10\xc4"}
    assert (len(body) // 104) * 1152 / 44100 == pytest.approx(10, abs=0.03)


def test_hashtag_offsets_count_utf16_units() -> None:
    links = Links(7, "http://127.0.0.1")
    who = creator("fit.with.maya")
    checked = 0
    for post in who.posts(NOW):
        item = Aweme(links, who, post, NOW).full()
        units = item["desc"].encode("utf-16-le")
        for extra in item["text_extra"]:
            word = units[2 * extra["start"] : 2 * extra["end"]].decode("utf-16-le")
            named = extra.get("hashtag_name")
            assert word.lower() == (f"#{named}" if named else word)
            assert word[0] in "#@"
            checked += 1
    assert checked > 10


def test_integers_are_rounded_as_javascript_rounds_them() -> None:
    assert js_number("6659752019493208069") == 6659752019493208000
    assert js_number("7579205504062475019") == 7579205504062475000
    assert js_number("123") == 123


def test_the_local_reader_reads_the_slides() -> None:
    from rapidocr import RapidOCR
    from rapidocr.utils.output import RapidOCROutput

    reader = RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.log_level": "error",
            "Det.limit_side_len": 736,
            "Det.limit_type": "max",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Rec.rec_batch_num": 1,
        }
    )
    wrong = total = 0
    for handle in DEMO_HANDLES:
        post = photo(handle)
        for slide in (post.slides[0], post.slides[1]):
            content = Image.open(io.BytesIO(media.slide(post, slide.position, post.formats[0])))
            found = reader(np.asarray(content.convert("RGB"))[:, :, ::-1])
            assert isinstance(found, RapidOCROutput)
            words = " ".join(found.txts or ())
            read, truth = (" ".join(text.split()).lower() for text in (words, slide.text))
            wrong += edits(read, truth)
            total += len(truth)
    assert 1 - wrong / total >= 0.97


def edits(one: str, other: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(other) + 1))
    for index, char in enumerate(one, start=1):
        fresh = [index]
        for column, against in enumerate(other, start=1):
            cheapest = min(row[column], fresh[-1]) + 1
            fresh.append(min(cheapest, row[column - 1] + (char != against)))
        row = fresh
    return row[-1]

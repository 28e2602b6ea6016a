"""Turn one aweme, TikTok's object for a post, into our own; or say why it can't be kept."""

from __future__ import annotations

from datetime import datetime

from tiktok.scraper import values
from tiktok.scraper.answers import Author, Aweme, ImagePost, Statistics, Status
from tiktok.scraper.captions import read_tags
from tiktok.scraper.handles import parse_post_url, post_url
from tiktok.scraper.media import read_avatar, read_cover, read_slides
from tiktok.scraper.schemas import (
    AuthorCounts,
    ContentType,
    ScrapedAuthor,
    ScrapedMusic,
    ScrapedPost,
    ScrapedSlide,
    SkippedItem,
)
from tiktok.scraper.streams import plays_only_sound, read_sound, read_video

_PHOTO_TYPE = 150


def read_post(item: object) -> ScrapedPost | SkippedItem:
    """The post in ``item``, decoded JSON of any shape. Never raises.

    What a post can't do without is its id, its author's id and its time. Reasons for skipping:
    ``not_an_object``, ``no_id``, ``rounded_id``, ``no_author_id``, ``no_publish_time``.
    """
    aweme = Aweme.read(item)
    if aweme is None:
        return SkippedItem("not_an_object")
    tiktok_id = values.identifier(aweme.aweme_id) or values.identifier(aweme.id)
    if tiktok_id is None:
        given = aweme.id if aweme.aweme_id is None else aweme.aweme_id
        rounded = None if isinstance(given, str) else values.number(given)
        return SkippedItem("rounded_id", str(rounded)) if rounded else SkippedItem("no_id")
    if aweme.author is None or aweme.author.uid is None:
        return SkippedItem("no_author_id", tiktok_id)
    published_at = aweme.create_time or _time_of_id(tiktok_id)
    if published_at is None:
        return SkippedItem("no_publish_time", tiktok_id)
    author = _read_author(aweme.author, aweme.author.uid)
    return _assemble(aweme, tiktok_id, author, published_at)


def _assemble(
    aweme: Aweme, tiktok_id: str, author: ScrapedAuthor, published_at: datetime
) -> ScrapedPost:
    image_post = aweme.image_post_info or ImagePost()
    photo = _is_photo(aweme, image_post)
    content_type: ContentType = "photo" if photo else "video"
    slides: tuple[ScrapedSlide, ...] = ()
    complete = True
    if photo:
        slides, complete = read_slides(image_post.images or aweme.images)
    hashtags, mentions = read_tags(aweme.desc, aweme.text_extra)
    statistics = aweme.statistics or Statistics()
    status = aweme.status or Status()
    return ScrapedPost(
        tiktok_id=tiktok_id,
        author=author,
        content_type=content_type,
        published_at=published_at,
        url=post_url(
            author.handle or _handle_of_link(aweme.url, tiktok_id), content_type, tiktok_id
        ),
        caption=values.clean(aweme.desc),
        title=image_post.title,
        hashtags=hashtags,
        mentions=mentions,
        region=aweme.region,
        language=aweme.desc_language,
        is_pinned=aweme.is_top,
        is_ad=aweme.is_ad,
        is_paid_partnership=aweme.is_paid_partnership,
        is_deleted=status.is_delete,
        is_private=bool(status.private_status) or status.self_see,
        duration_ms=aweme.video.duration if aweme.video and not photo else None,
        view_count=statistics.play_count,
        like_count=statistics.digg_count,
        comment_count=statistics.comment_count,
        share_count=statistics.share_count,
        save_count=statistics.collect_count,
        cover=read_cover(aweme.video, image_post if photo else None),
        video=None if photo else read_video(aweme.video),
        music=_read_music(aweme, photo=photo),
        slides=slides,
        slides_known=complete,
    )


def _is_photo(aweme: Aweme, image_post: ImagePost) -> bool:
    """Whether the post is a carousel, by what is surest first.

    Pictures; then what the item says of itself; the link only where it says nothing, because in
    published answers the link belongs to another post; last, sound in place of a video.
    """
    if image_post.images or aweme.content_type == "multi_photo":
        return True
    if aweme.aweme_type is not None or aweme.content_type == "video":
        return aweme.aweme_type == _PHOTO_TYPE
    return "/photo/" in aweme.url or plays_only_sound(aweme.video)


def _read_author(author: Author, user_id: str) -> ScrapedAuthor:
    return ScrapedAuthor(
        user_id=user_id,
        sec_uid=author.sec_uid,
        handle=author.unique_id,
        nickname=author.nickname,
        avatar=read_avatar(author),
        counts=_read_counts(author),
    )


def _read_counts(author: Author) -> AuthorCounts | None:
    """The account's numbers, where this answer tells them.

    Most endpoints fill in zeros. The author of a post has at least one, so where the number of
    posts is 0 or missing, zeros mean nothing.
    """
    counts = (author.follower_count, author.following_count, author.total_favorited)
    posts = author.aweme_count or None
    told = counts if posts else tuple(number or None for number in counts)
    if posts is None and not any(told):
        return None
    return AuthorCounts(told[0], told[1], told[2], posts)


def _read_music(aweme: Aweme, *, photo: bool) -> ScrapedMusic | None:
    sound = read_sound(aweme.music, aweme.video, photo=photo)
    if aweme.music is None:
        return ScrapedMusic("", "", media=sound) if sound else None
    music = aweme.music
    return ScrapedMusic(music.title, music.author, music.mid or music.id_str, sound)


def _handle_of_link(link: str, tiktok_id: str) -> str | None:
    """The handle in the answer's own link, if that link is this post's at all."""
    try:
        handle, _, linked_id = parse_post_url(link)
    except ValueError:
        return None
    return handle if linked_id == tiktok_id else None


def _time_of_id(tiktok_id: str) -> datetime | None:
    """When the id was given out: its upper 32 bits are epoch seconds.

    That is when the upload began, seconds to hours before ``create_time``; used where that is
    missing, as it is in some answers.
    """
    number = int(tiktok_id)
    return values.moment(number >> 32) if number.bit_length() in (63, 64) else None

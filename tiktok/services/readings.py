"""What the slides of posts say: have them read, and let a person correct it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from carousel.lib.work import Priority
from ocr import services as ocr
from ocr.models import PostCategory, Reading, SlideReading
from tiktok.models import UNREAD, ContentType, TikTokPost

logger = logging.getLogger(__name__)

BATCH = 500


class NotAPhotoPost(ValueError):
    """Only photo posts have slides to read."""

    code = "not_a_photo_post"


class SlidesUnknown(ValueError):
    """TikTok has not told the slides of this photo post yet; monitoring asks again."""

    code = "slides_unknown"


@dataclass(frozen=True, slots=True)
class OcrOutcome:
    """What asking for one post came to. ``error`` is empty for a success."""

    post_id: str
    success: bool
    ocr_status: str | None
    error: str = ""


def perform_ocr_for_post(
    post: TikTokPost, *, force: bool = False, priority: Priority = Priority.PERSON
) -> Reading:
    """Have the post's slides read, ahead of the schedule; with ``force`` again.

    What a person corrected stays. Raises NotAPhotoPost for a video and SlidesUnknown where the
    slides are not known.
    """
    if post.content_type != ContentType.PHOTO:
        raise NotAPhotoPost(f"Post {post.tiktok_id} is a video; only photo posts are read.")
    with transaction.atomic():
        held = TikTokPost.objects.select_for_update(no_key=True).get(pk=post.pk)
        if held.reading_id is None:
            reading = _new_reading(held, priority)
            TikTokPost.objects.filter(pk=held.pk).update(reading=reading)
            return reading
        ocr.read_again([held.reading_id], force=force, priority=priority)
        return Reading.objects.get(pk=held.reading_id)


def _new_reading(post: TikTokPost, priority: Priority) -> Reading:
    slides = post.slides.order_by("position").values_list("asset_id", flat=True)
    if not slides:
        raise SlidesUnknown(f"The slides of post {post.tiktok_id} are not known yet. Try later.")
    context = "\n".join(filter(None, (post.title, post.caption)))
    return ocr.request_reading(
        list(slides), context=context, language=post.language, priority=priority
    )


def perform_batch_ocr(post_ids: Sequence[str], *, force: bool = False) -> list[OcrOutcome]:
    """Have several posts read; one result each in the order asked, duplicates asked once.

    A post that can't be read is a failed result and never fails the others.
    """
    wanted = list(dict.fromkeys(str(pk) for pk in post_ids))
    ids = {text: pk for text in wanted if (pk := _as_uuid(text))}
    posts = TikTokPost.objects.in_bulk(list(ids.values()))
    return [
        _outcome(text, posts.get(ids[text]) if text in ids else None, force=force)
        for text in wanted
    ]


def _outcome(text: str, post: TikTokPost | None, *, force: bool) -> OcrOutcome:
    if post is None:
        return OcrOutcome(text, success=False, ocr_status=None, error="There is no such post.")
    try:
        reading = perform_ocr_for_post(post, force=force)
    except (NotAPhotoPost, SlidesUnknown, TikTokPost.DoesNotExist) as exc:
        return OcrOutcome(text, success=False, ocr_status=None, error=str(exc))
    return OcrOutcome(text, success=True, ocr_status=reading.status)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def correct_slide(
    post: TikTokPost, position: int, *, text: str | None = None, slide_type: str | None = None
) -> SlideReading:
    """Set a person's text or type for a slide; no machine overwrites it.

    Raises SlideReading.DoesNotExist where the post has no such slide, ValueError for an unknown
    type, NotAPhotoPost and SlidesUnknown as for reading.
    """
    return ocr.correct_slide(_reading_of(post), position, text=text, slide_type=slide_type)


def set_post_category(post: TikTokPost, category: PostCategory | None) -> None:
    """Set a person's category, or that none fits. Raises NotAPhotoPost and SlidesUnknown."""
    ocr.set_category(_reading_of(post), category)


def _reading_of(post: TikTokPost) -> Reading:
    return post.reading or perform_ocr_for_post(post, priority=Priority.SCHEDULE)


def read_forgotten_posts() -> int:
    """Photo posts with slides but without a reading, as after somebody deleted it. How many."""
    done = 0
    for post in TikTokPost.objects.filter(UNREAD, slides__position=0).order_by("pk")[:BATCH]:
        try:
            perform_ocr_for_post(post, priority=Priority.SCHEDULE)
            done += 1
        except (SlidesUnknown, TikTokPost.DoesNotExist) as exc:
            logger.info("Not read: %s", exc)
    return done

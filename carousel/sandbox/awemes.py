"""Posts as TikTok's app writes them (the "aweme"), with its irregularities.

Shapes and traps: upstream notes, section 2. Written from those notes, not from any parser: what
the product understands is none of this module's business.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from carousel.sandbox.aweme_media import AwemeMedia
from carousel.sandbox.chance import hexed, number
from carousel.sandbox.links import Asset, Links
from carousel.sandbox.media import Sound
from carousel.sandbox.posts import Post
from carousel.sandbox.world import Creator

Json = dict[str, Any]


def js_number(text: str) -> int:
    """An integer after a trip through JavaScript: above 2**53 the last digits become zeros."""
    return int(Decimal(repr(float(text))))


def sound_of(post: Post) -> Sound:
    """The sound under a post: 12 to 40 seconds for photos, the clip's length for videos."""
    seconds = 12 + number(post.id, "sound", bits=32) % 29
    return Sound(
        id=str((post.created << 32) | number(post.id, "music", bits=32)),
        title=f"original sound - {post.key}",
        author=post.key,
        seconds=seconds if post.is_photo else -(-post.duration_ms // 1000),
    )


@dataclass(frozen=True)
class Aweme:
    """One post on its way out. ``detail`` is the single-post answer; ``faults`` are names."""

    links: Links
    creator: Creator
    post: Post
    now: float
    detail: bool = False
    faults: Collection[str] = ()

    def full(self) -> Json:
        """The complete object, as in ``/v3/tiktok/profile/videos`` and ``/v2/tiktok/video``."""
        post = self.post
        media = self._media()
        item = {
            **self._top(),
            **self._texts(),
            **self._oddities(),
            "author": self.author(),
            "music": self.music(),
            "statistics": self.statistics(),
            "video": media.photo_video() if post.is_photo else media.clip_video(),
            "added_sound_music_info": {"id": js_number(sound_of(post).id), "title": ""},
        }
        if post.is_photo and "no_slides" in self.faults and not self.detail:
            item["image_post_info"] = {"images": [], "post_extra": "{}"}
        elif post.is_photo:
            item["image_post_info"] = media.image_post_info()
        if post.slot % 7 == 3:
            del item["music"]
        if post.slot % 9 == 4:
            item.pop("is_top")
        return item

    def trimmed(self) -> Json:
        """The 14 keys of ``trim=true``."""
        full = self.full()
        keys = (
            "aweme_id desc desc_language region statistics video author create_time "
            "create_time_utc url shop_product_url is_ad is_eligible_for_commission "
            "is_paid_partnership"
        )
        return {key: full[key] for key in keys.split()}

    def _top(self) -> Json:
        post, creator = self.post, self.creator
        shown = creator.handle
        kind = "photo" if post.is_photo else "video"
        url = f"https://www.tiktok.com/@{shown}/{kind}/{post.id}"
        utc = _iso(post.created)
        if post.slot % 4 == 0:  # pasted from somebody else's post, as in the published samples
            url = "https://www.tiktok.com/@someone.else/video/7545933721589910798"
            utc = _iso(1_756_923_600)
        return {
            "aweme_id": post.id,
            "aweme_type": 150 if post.is_photo else 0,
            "content_type": "multi_photo" if post.is_photo else "video",
            "group_id": post.id,
            "group_id_list": {
                "GroupdIdList0": [js_number(post.id), js_number(creator.uid)],
                "GroupdIdList1": [js_number(post.id)],
            },
            "author_user_id": js_number(creator.uid),
            "create_time": post.created,
            "create_time_utc": utc,
            "url": url,
            "share_url": f"https://www.tiktok.com/@{shown}/{kind}/{post.id}?_r=1&u_code=x",
            "region": creator.region,
            "is_top": 1 if post.pinned else 0,
            "is_ads": False,
            "is_ad": post.is_ad,
            "is_paid_partnership": post.is_paid_partnership,
            "is_eligible_for_commission": False,
            "shop_product_url": None,
            "rate": 12,
        }

    def _texts(self) -> Json:
        caption = self.post.caption
        if "bad_text" in self.faults:
            caption = f"nul\u0000 and half an emoji \ud83d {caption}"
        return {
            "desc": caption,
            "desc_language": self.post.language if len(caption) > 24 else "un",
            "content_desc": "",
            "content_desc_extra": [],
            "text_extra": self._text_extra(caption),
            "title_language": "un",
        }

    def _text_extra(self, caption: str) -> list[Json]:
        """Hashtags and mentions with offsets in UTF-16 code units; every sixth post has none."""
        found: list[Json] = []
        if self.post.slot % 6 == 5:
            return found
        for word in caption.split():
            bare = word[1:]
            if word[0] not in "#@" or not bare:
                continue
            start = _utf16(caption[: caption.index(word)])
            span = {"start": start, "end": start + _utf16(word), "sub_type": 0}
            if word[0] == "#":
                tag = {"hashtag_id": str(number(bare.lower(), bits=50)), "is_commerce": False}
                found.append({**span, **tag, "hashtag_name": bare.lower(), "type": 1})
            else:
                who = {"user_id": str(number(bare, bits=62)), "sec_uid": f"MS4w{hexed(40, bare)}"}
                found.append({**span, **who, "type": 0})
        return found

    def _oddities(self) -> Json:
        """Keys that trip a careless reader: nulls for lists, JSON in strings, numbers as text.

        One key is unknown to everybody.
        """
        return {
            "anchors": None,
            "banners": [],
            "cha_list": None,
            "challenge_position": None,
            "cover_labels": None,
            "geofencing": None,
            "image_infos": None,
            "label_top_text": None,
            "long_video": None,
            "position": None,
            "misc_info": "{}",
            "commerce_info": {
                "adv_promotable": False,
                "organic_log_extra": f'{{"req_id":"{hexed(34, self.post.id)}"}}',
            },
            "music_begin_time_in_ms": 0,
            "music_volume": "0.000000",
            "origin_volume": "50.000000",
            "item_comment_settings": 0,
            "status": {
                "allow_comment": True,
                "allow_share": True,
                "aweme_id": self.post.id,
                "in_reviewing": False,
                "is_delete": False,
                "is_prohibited": False,
                "private_status": 0,
                "review_result": {"review_status": 0},
                "reviewed": 0,
                "self_see": False,
            },
            "upvote_info": {"friends_recall_info": "{}", "user_upvoted": False},
            "user_digged": 0,
            "with_unknown_key_of_tomorrow": {"nested": [1, None, "x"]},
        }

    def statistics(self) -> Json:
        """Counters; with ``hidden_counts`` plays are missing and likes are null."""
        counts = self.post.counts(self.now, falling=self.creator.falling)
        stats: Json = {
            "aweme_id": self.post.id,
            "collect_count": counts.saves,
            "comment_count": counts.comments,
            "digg_count": counts.likes,
            "download_count": counts.downloads,
            "forward_count": 0,
            "lose_comment_count": 0,
            "lose_count": 0,
            "play_count": counts.views,
            "repost_count": 0,
            "share_count": counts.shares,
            "whatsapp_share_count": counts.shares // 50,
        }
        if "hidden_counts" in self.faults:
            del stats["play_count"]
            stats["digg_count"] = None
        return stats

    def author(self) -> Json:
        """The author; counts are real only in a profile's list (0 in the single-post answer)."""
        creator, media = self.creator, self._media()
        avatar = Asset(creator.key, 0, "avatar")
        nickname = creator.nickname + ("\u0000" if "bad_text" in self.faults else "")

        def picture(size: int) -> Json:
            template = f"tiktokx-cropcenter-q:{size}:{size}:q75.webp"
            return media.image(avatar, [template, template], 720, 720)

        return {
            "uid": creator.uid,
            "sec_uid": creator.sec_uid,
            "unique_id": creator.handle,
            "nickname": nickname,
            "signature": creator.bio,
            "short_id": "0",
            "avatar_thumb": picture(100),
            "avatar_medium": picture(720),
            "avatar_larger": picture(1080),
            "avatar_168x168": picture(168),
            "avatar_300x300": picture(300),
            "avatar_uri": self.links.uri(avatar),
            "follower_count": 0 if self.detail else creator.followers(self.now),
            "following_count": 0 if self.detail else 74,
            "aweme_count": 0 if self.detail else creator.keep,
            "total_favorited": 0 if self.detail else creator.reach * 12,
            "secret": 0,
            "region": creator.region,
            "language": creator.language,
            "verification_type": 1 if creator.verified else 0,
            "create_time": 0,
            "unique_id_modify_time": int(self.now),
            "cha_list": None,
            "account_labels": None,
            "item_list": None,
            "status": 1,
        }

    def music(self) -> Json:
        """The sound as an object of its own, with an unsigned link."""
        what = sound_of(self.post)
        link = self.links.music(Asset(self.post.key, self.post.slot, "sound"))
        return {
            "id": js_number(what.id),
            "id_str": what.id,
            "mid": what.id,
            "title": what.title,
            "author": what.author,
            "owner_id": self.creator.uid,
            "owner_handle": self.creator.handle,
            "duration": what.seconds,
            "is_original": False,
            "is_original_sound": True,
            "play_url": {
                "uri": link,
                "url_list": [link],
                "width": 720,
                "height": 720,
                "url_prefix": None,
            },
            "extra": '{"aed_music_dur":1,"beats":{}}',
            "position": None,
            "tag_list": None,
        }

    def _media(self) -> AwemeMedia:
        stale = "expired_links" in self.faults
        stale = stale or ("expired_in_list" in self.faults and not self.detail)
        life = -1.0 if stale else 0.0
        return AwemeMedia(self.links, self.post, self.now, life)


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

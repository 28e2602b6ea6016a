"""What we rely on in ScrapeCreators' answers, and nothing more.

An aweme has some 150 keys and 60 kB; these models look at the thirty that matter and ignore the
rest, so that neither a new key nor a changed one elsewhere can hurt. No field is required and none
can fail: what doesn't fit reads as missing, and whoever turns the item into our own object decides
whether it can do without. Pictures and files stay undecoded (``Any``) until ``Address.read`` is
asked for one, because an item offers dozens of which we take a few.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, PlainValidator
from pydantic_core import CoreSchema, core_schema

from tiktok.scraper import values


class _MissingIfWrong:
    """A value that doesn't validate reads as ``None``, without a detour through Python."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_default_schema(handler(source), default=None, on_error="default")


T = TypeVar("T")
Lenient = Annotated[T | None, _MissingIfWrong()]

RawText = Annotated[str, PlainValidator(values.raw_text)]
Text = Annotated[str, PlainValidator(values.text)]
Tag = Annotated[str, PlainValidator(values.tag)]
Identifier = Annotated[str | None, PlainValidator(values.identifier)]
Handle = Annotated[str | None, PlainValidator(values.handle)]
SecUid = Annotated[str | None, PlainValidator(values.sec_uid)]
Number = Annotated[int | None, PlainValidator(values.number)]
Count = Annotated[int | None, PlainValidator(values.count)]
Size = Annotated[int | None, PlainValidator(values.size)]
Extent = Annotated[int | None, PlainValidator(values.extent)]
Flag = Annotated[bool, PlainValidator(values.flag)]
Moment = Annotated[datetime | None, PlainValidator(values.moment)]
Label = Annotated[str, PlainValidator(values.label)]
Links = Annotated[tuple[str, ...], PlainValidator(values.links)]
Items = Annotated[list[object], PlainValidator(values.items)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    @classmethod
    def read(cls, value: object) -> Self | None:
        """The part that ``value`` (decoded JSON) holds, or ``None`` if it isn't an object."""
        return cls.model_validate(value) if isinstance(value, dict) else None


class Address(_Part):
    """``{uri, url_list, width, height, data_size, url_key}``: one file and where it lies."""

    uri: Text = ""
    url_list: Links = ()
    width: Extent = None
    height: Extent = None
    data_size: Size = None
    url_key: Text = ""

    @classmethod
    def read(cls, value: object) -> Self | None:
        """As usual, or from a bare URL; an address without any URL is none."""
        if isinstance(value, str):
            value = {"url_list": [value]}
        found = super().read(value)
        if found and not found.url_list and (only := values.link(found.uri)):
            return found.model_copy(update={"url_list": (only,)})
        return found if found and found.url_list else None


class Encoding(_Part):
    """One entry of ``video.bit_rate``. ``is_bytevc1``: 0 H.264, 1 HEVC, 2 unplayable."""

    is_bytevc1: Number = None
    is_h265: Number = None
    play_addr: Any = None


class Video(_Part):
    duration: Extent = None
    is_bytevc1: Number = None
    bit_rate: Items = []
    cover: Any = None
    origin_cover: Any = None
    dynamic_cover: Any = None
    play_addr: Any = None
    play_addr_h264: Any = None
    play_addr_bytevc1: Any = None
    download_addr: Any = None
    download_no_watermark_addr: Any = None


class ImagePost(_Part):
    images: Items = []
    image_post_cover: Any = None
    title: Text = ""


class Author(_Part):
    uid: Identifier = None
    sec_uid: SecUid = None
    unique_id: Handle = None
    nickname: Text = ""
    avatar_larger: Any = None
    avatar_medium: Any = None
    avatar_300x300: Any = None
    avatar_168x168: Any = None
    avatar_thumb: Any = None
    follower_count: Count = None
    following_count: Count = None
    total_favorited: Count = None
    aweme_count: Count = None


class Statistics(_Part):
    play_count: Count = None
    digg_count: Count = None
    comment_count: Count = None
    share_count: Count = None
    collect_count: Count = None


class Music(_Part):
    """``id`` itself is left out: it arrives rounded."""

    mid: Identifier = None
    id_str: Identifier = None
    title: Text = ""
    author: Text = ""
    play_url: Any = None


class Status(_Part):
    is_delete: Flag = False
    private_status: Number = None
    self_see: Flag = False


class TextExtra(_Part):
    """A hashtag or mention in the caption; ``start`` and ``end`` count UTF-16 code units."""

    hashtag_name: Text = ""
    user_id: Text = ""
    start: Count = None
    end: Count = None


class Aweme(_Part):
    """One post. ``id`` and ``images`` (bare URLs) are what search answers have instead."""

    aweme_id: Any = None
    id: Any = None
    desc: RawText = ""
    desc_language: Tag = ""
    region: Tag = ""
    aweme_type: Number = None
    content_type: Text = ""
    create_time: Moment = None
    url: Text = ""
    author: Lenient[Author] = None
    statistics: Lenient[Statistics] = None
    status: Lenient[Status] = None
    video: Lenient[Video] = None
    music: Lenient[Music] = None
    image_post_info: Lenient[ImagePost] = None
    images: Items = []
    text_extra: Items = []
    is_top: Flag = False
    is_ad: Flag = False
    is_paid_partnership: Flag = False


class Envelope(_Part):
    """What surrounds every answer. TikTok's own code hides under 200 and under two spellings."""

    success: Any = None
    error: Text = ""
    errorStatus: Number = None
    message: Text = ""
    credits_charged: Count = None
    credits_remaining: Count = None
    cached: Flag = False
    status_code: Number = None
    statusCode: Number = None
    status_msg: Text = ""
    statusMsg: Text = ""

    @property
    def words(self) -> str:
        """What it says to people, or at least its error word."""
        return self.message or self.error


class Clock(_Part):
    now: Moment = None


class Page(_Part):
    """``/v3/tiktok/profile/videos``. ``max_cursor`` and ``has_more`` change their type."""

    max_cursor: Any = None
    has_more: Any = None
    extra: Lenient[Clock] = None


class User(_Part):
    id: Identifier = None
    uniqueId: Handle = None
    secUid: SecUid = None
    nickname: Text = ""
    signature: Text = ""
    verified: Flag = False
    privateAccount: Flag = False
    secret: Flag = False
    region: Tag = ""
    language: Tag = ""
    avatarLarger: Any = None
    avatarMedium: Any = None
    avatarThumb: Any = None


class Stats(_Part):
    """``stats`` (rounded, overflown) and ``statsV2`` (exact, as strings) have the same keys."""

    followerCount: Count = None
    followingCount: Count = None
    heartCount: Count = None
    heart: Count = None
    videoCount: Count = None


class Profile(_Part):
    user: Lenient[User] = None
    stats: Lenient[Stats] = None
    stats_v2: Lenient[Stats] = Field(default=None, alias="statsV2")


class Usage(_Part):
    """One row of ``/v1/account/get-api-usage``."""

    id: Label = ""
    endpoint: Text = ""
    status_code: Number = None
    duration_ms: Number = None
    success: Flag = False
    request_payload: Any = None
    http_method: Text = ""
    request_time: Moment = None
    credits: Count = None


class Day(_Part):
    """One row of ``/v1/account/get-daily-usage-count``; its counts are strings."""

    usage_date: Text = ""
    total_credits: Count = None
    request_count: Count = None

"""Posts, slides, categories, hits."""

from __future__ import annotations

from rest_framework import serializers

from carousel.lib.work import Status
from media_cache.api.serializers import AssetSerializer
from ocr.models import SlideType, Source
from tiktok.api.serializers.fields import Shape, moment, number
from tiktok.api.serializers.insight import PostInsightSerializer
from tiktok.models import ContentType


class MusicSerializer(Shape):
    """The sound of a post."""

    title = serializers.CharField()
    author = serializers.CharField()
    asset = AssetSerializer(allow_null=True)


class SlideSerializer(Shape):
    """A picture of a carousel and what it says."""

    position = serializers.IntegerField(help_text="TikTok's order, from 0.")
    width = number()
    height = number()
    asset = AssetSerializer()
    text = serializers.CharField(allow_null=True, help_text="Null: not read. Empty: no text.")
    description = serializers.CharField(allow_null=True)
    slideType = serializers.ChoiceField(choices=SlideType.choices, allow_null=True)
    confidence = serializers.FloatField(allow_null=True, min_value=0, max_value=1)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field, not an attribute
        choices=Source.choices, allow_null=True
    )


class CategoryNameSerializer(Shape):
    """A category, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class PostSerializer(Shape):
    """A post as last seen, with its files and what its slides say."""

    id = serializers.UUIDField()
    tiktokId = serializers.CharField()
    profileId = serializers.UUIDField()
    handle = serializers.CharField()
    contentType = serializers.ChoiceField(choices=ContentType.choices)
    url = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(help_text="The caption.")
    publishedAt = serializers.DateTimeField()
    hashtags = serializers.ListField(child=serializers.CharField())
    mentions = serializers.ListField(child=serializers.CharField())
    language = serializers.CharField()
    region = serializers.CharField()
    isPinned = serializers.BooleanField()
    isAd = serializers.BooleanField()
    isPaidPartnership = serializers.BooleanField()
    durationMs = number()
    viewCount = number("Null: unknown, which is not 0.")
    likeCount = number()
    commentCount = number()
    shareCount = number()
    saveCount = number()
    cover = AssetSerializer(allow_null=True)
    video = AssetSerializer(allow_null=True)
    music = MusicSerializer(allow_null=True)
    slides = SlideSerializer(many=True)
    ocrStatus = serializers.ChoiceField(choices=Status.choices, allow_null=True)
    ocrError = serializers.CharField()
    ocrProcessedAt = moment()
    ocrEngine = serializers.CharField(allow_null=True)
    category = CategoryNameSerializer(allow_null=True)
    categoryConfidence = serializers.FloatField(allow_null=True)
    categorySource = serializers.ChoiceField(choices=Source.choices, allow_null=True)
    insight = PostInsightSerializer()
    missingSince = moment("Since when TikTok no longer shows it.")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class OcrQueuedSerializer(Shape):
    """A reading that was asked for."""

    postId = serializers.UUIDField()
    ocrStatus = serializers.ChoiceField(choices=Status.choices)


class BulkOcrSummarySerializer(Shape):
    """How many of a bulk request went well."""

    total = serializers.IntegerField()
    successful = serializers.IntegerField()
    failed = serializers.IntegerField()


class BulkOcrResultSerializer(Shape):
    """What became of one post of a bulk request."""

    postId = serializers.CharField()
    success = serializers.BooleanField()
    ocrStatus = serializers.ChoiceField(choices=Status.choices, allow_null=True)
    error = serializers.CharField()


class BulkOcrSerializer(Shape):
    """What became of a bulk request, in the order asked; duplicates are asked once."""

    success = serializers.BooleanField(help_text="Whether every post went well.")
    summary = BulkOcrSummarySerializer()
    results = BulkOcrResultSerializer(many=True)


class PostSnapshotSerializer(Shape):
    """A post's numbers at one time."""

    capturedAt = serializers.DateTimeField()
    viewCount = number()
    likeCount = number()
    commentCount = number()
    shareCount = number()
    saveCount = number()
    decreased = serializers.BooleanField(help_text="A number is lower than in the one before.")


class PostMetricsSerializer(Shape):
    """A post's numbers over time, oldest first."""

    results = PostSnapshotSerializer(many=True)


class CategorySerializer(Shape):
    """What a post may be about."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    aiGenerated = serializers.BooleanField()
    active = serializers.BooleanField(help_text="Whether the reader may choose it.")
    postCount = serializers.IntegerField()


class HitSerializer(Shape):
    """A slide whose text matches."""

    postId = serializers.UUIDField()
    handle = serializers.CharField()
    position = serializers.IntegerField()
    slideType = serializers.ChoiceField(choices=SlideType.choices, allow_null=True)
    text = serializers.CharField()
    highlights = serializers.ListField(
        child=serializers.ListField(
            child=serializers.IntegerField(min_value=0), min_length=2, max_length=2
        ),
        help_text="Where it matches: start and end in code points, in order, not overlapping.",
    )
    rank = serializers.FloatField(help_text="0 to 1; 1 is every word as asked.")
    viewCount = number()
    publishedAt = serializers.DateTimeField()
    asset = AssetSerializer()


class CategoryFacetSerializer(CategoryNameSerializer):
    """A category, and how many hits have it."""

    count = serializers.IntegerField()


class SlideTypeFacetSerializer(Shape):
    """A type of slide, and how many hits have it."""

    slideType = serializers.ChoiceField(choices=SlideType.choices)
    count = serializers.IntegerField()


class ProfileFacetSerializer(Shape):
    """A profile, and how many hits it has."""

    id = serializers.UUIDField()
    handle = serializers.CharField()
    count = serializers.IntegerField()


class FacetsSerializer(Shape):
    """What hits have in common: the 20 most frequent values of each, among the first 5,000 hits."""

    categories = CategoryFacetSerializer(many=True)
    slideTypes = SlideTypeFacetSerializer(many=True)
    profiles = ProfileFacetSerializer(many=True)

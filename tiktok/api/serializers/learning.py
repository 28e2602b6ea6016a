"""What carousels teach: hooks, patterns, copies."""

from __future__ import annotations

from rest_framework import serializers

from media_cache.api.serializers import AssetSerializer
from ocr.models import SlideType
from tiktok.api.serializers.fields import Shape, number
from tiktok.api.serializers.insight import fraction


class HookUseSerializer(Shape):
    """A post that opens so."""

    text = serializers.CharField()
    postId = serializers.UUIDField()
    profileId = serializers.UUIDField()
    handle = serializers.CharField()
    position = serializers.IntegerField(help_text="Of the slide that says it, from 0.")
    slideType = serializers.ChoiceField(choices=SlideType.choices, allow_null=True)
    outlierScore = fraction()
    lowConfidence = serializers.BooleanField()
    viewCount = number()
    publishedAt = serializers.DateTimeField()


class HookSerializer(HookUseSerializer):
    """A hook, as the post with the best score has it, and those nearly identical to it."""

    asset = AssetSerializer()
    posts = serializers.IntegerField(help_text="How many posts open so, this one included.")
    accounts = serializers.IntegerField(help_text="How many accounts have used it.")
    others = HookUseSerializer(many=True, help_text="The best of the other posts.")


def interval() -> serializers.ListField:
    """A 95 % interval."""
    return serializers.ListField(
        child=serializers.FloatField(),
        min_length=2,
        max_length=2,
        help_text="95 %: from, to. A difference whose interval contains 0 may be chance.",
    )


def clear() -> serializers.BooleanField:
    """Whether a difference is more than one of many that may be chance."""
    return serializers.BooleanField(
        help_text="It would still be there if all intervals of the report had to hold at once."
    )


class NumberPatternSerializer(Shape):
    """A number that carousels have, compared by its mean (Welch's interval)."""

    feature = serializers.ChoiceField(choices=["slides", "wordsPerSlide", "hookWords"])
    topN = serializers.IntegerField(help_text="Posts in the upper quarter of which it is known.")
    top = serializers.FloatField(help_text="Its mean over them.")
    restN = serializers.IntegerField()
    rest = serializers.FloatField()
    effect = serializers.FloatField(help_text="`top` less `rest`.")
    interval = interval()
    clear = clear()


class SharePatternSerializer(Shape):
    """A property, compared by the share of posts that have it (Newcombe's interval)."""

    feature = serializers.ChoiceField(
        choices=["slideType", "slideOrder", "category", "hour", "weekday"]
    )
    value = serializers.CharField(help_text="Hours and weekdays are UTC.")
    posts = serializers.IntegerField(help_text="Posts that have it.")
    topN = serializers.IntegerField(help_text="Posts in the upper quarter of which it is known.")
    top = serializers.FloatField(help_text="The share of them that have it, 0 to 1.")
    restN = serializers.IntegerField()
    rest = serializers.FloatField()
    effect = serializers.FloatField(help_text="`top` less `rest`.")
    interval = interval()
    clear = clear()


class PatternsSerializer(Shape):
    """What carousels that did well have in common, against the others."""

    posts = serializers.IntegerField(help_text="Photo posts with a score of good confidence.")
    isCut = serializers.BooleanField(help_text="More matched; these are the latest.")
    top = serializers.IntegerField(help_text="The quarter with the highest scores.")
    rest = serializers.IntegerField()
    threshold = fraction("The lowest score in that quarter.")
    minimum = serializers.IntegerField(
        help_text="Nothing is told with fewer posts in a group, or with a property."
    )
    numbers = NumberPatternSerializer(many=True)
    shares = SharePatternSerializer(many=True)


class PictureUseSerializer(Shape):
    """A slide with the picture."""

    postId = serializers.UUIDField()
    profileId = serializers.UUIDField()
    handle = serializers.CharField()
    position = serializers.IntegerField()
    exact = serializers.BooleanField(help_text="The bytes are those of the first use.")
    publishedAt = serializers.DateTimeField()
    viewCount = number()
    outlierScore = fraction()


class CopySerializer(Shape):
    """A picture that several accounts have posted."""

    sha256 = serializers.CharField(help_text="Of the bytes of the first use.")
    accounts = serializers.IntegerField()
    posts = serializers.IntegerField()
    exact = serializers.BooleanField(
        help_text="All uses have the same bytes; else some only look the same and say the same."
    )
    asset = AssetSerializer()
    text = serializers.CharField(allow_null=True, help_text="What it says, as read first.")
    first = PictureUseSerializer(help_text="Published before all others that we hold.")
    others = PictureUseSerializer(many=True, help_text="The next ones, oldest first.")

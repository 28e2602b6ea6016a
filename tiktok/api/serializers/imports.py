"""What a list of profiles holds."""

from __future__ import annotations

from rest_framework import serializers

from tiktok.api.serializers.fields import Shape


class ImportEntrySerializer(Shape):
    """A handle, and the line on which it is, from 1."""

    line = serializers.IntegerField(min_value=1)
    handle = serializers.CharField()


class ImportKnownSerializer(ImportEntrySerializer):
    """One whose profile is here already, by this or a later handle."""

    profileId = serializers.UUIDField()
    profileHandle = serializers.CharField()


class ImportDuplicateSerializer(ImportEntrySerializer):
    """One that was named before."""

    firstLine = serializers.IntegerField(min_value=1)


class ImportMalformedSerializer(Shape):
    """A line that names no profile, and why not."""

    line = serializers.IntegerField(min_value=1)
    text = serializers.CharField()
    reason = serializers.CharField()


class ImportSerializer(Shape):
    """Everything that the list names, each in one of four kinds, and what was done about it."""

    dryRun = serializers.BooleanField()
    total = serializers.IntegerField()
    new = ImportEntrySerializer(many=True)
    known = ImportKnownSerializer(many=True)
    duplicates = ImportDuplicateSerializer(many=True)
    malformed = ImportMalformedSerializer(many=True)
    queued = serializers.IntegerField(help_text="New ones that will be added from now on.")
    waiting = serializers.IntegerField(help_text="New ones that had been queued before.")

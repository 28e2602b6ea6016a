"""An account's numbers over time: what is believed, and when a snapshot is due.

TikTok tells an account's numbers in two ways: rounded to a few digits (4,100,000), or exactly.
A rounded number that may stand for the exact one we know says nothing new and is not recorded.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime
from typing import Self

from django.db import transaction

from tiktok.models import ProfileMetrics, TikTokProfile
from tiktok.scraper.schemas import AuthorCounts, ScrapedProfile


@dataclass(frozen=True, slots=True)
class ProfileCounts:
    """An account's numbers; null is unknown, which is not 0."""

    follower_count: int | None = None
    following_count: int | None = None
    like_count: int | None = None
    video_count: int | None = None

    @classmethod
    def of(cls, source: TikTokProfile | ProfileMetrics | ScrapedProfile | AuthorCounts) -> Self:
        """The numbers of anything that has them."""
        return cls(
            source.follower_count, source.following_count, source.like_count, source.video_count
        )

    def unrounded(self, known: ProfileCounts) -> ProfileCounts:
        """These numbers, each replaced by the ``known`` one where it may be that one rounded."""
        pairs = zip(astuple(self), astuple(known), strict=True)
        return ProfileCounts(
            *(
                old if new is not None and old is not None and may_round_to(old, new) else new
                for new, old in pairs
            )
        )

    def fell_from(self, known: ProfileCounts) -> bool:
        """Whether one of them is lower than the ``known`` one; an unknown number never is."""
        pairs = zip(astuple(self), astuple(known), strict=True)
        return any(new is not None and old is not None and new < old for new, old in pairs)

    def filled(self, known: ProfileCounts) -> ProfileCounts:
        """These numbers, and the ``known`` ones where this source doesn't tell them."""
        pairs = zip(astuple(self), astuple(known), strict=True)
        return ProfileCounts(*(old if new is None else new for new, old in pairs))


def may_round_to(exact: int, rounded: int) -> bool:
    """Whether ``rounded`` may stand for ``exact``: less than one unit of its last digit apart.

    Two digits at least are meant as they stand, so that 4,100,000 may be 4,148,754, and 5,000,000
    may not be 4,200,000. Below 1,000 TikTok rounds nothing.
    """
    if exact == rounded:
        return True
    digits = str(rounded)
    zeros = len(digits) - len(digits.rstrip("0"))
    unit = 10 ** min(zeros, len(digits) - 2)
    return rounded >= 1000 and unit > 1 and abs(exact - rounded) < unit


def record_profile(profile: TikTokProfile, found: ScrapedProfile, *, captured_at: datetime) -> bool:
    """Write down the numbers of a profile answer. Returns whether a snapshot was due.

    Where they are rounded, an exact number that is known stays if it may be the same.
    """
    known = ProfileCounts.of(profile)
    told = ProfileCounts.of(found)
    exact = found.counts_are_exact
    return _record(profile, told if exact else told.unrounded(known), captured_at, exact=exact)


def record_author(
    profile: TikTokProfile, found: AuthorCounts, *, captured_at: datetime, since: datetime
) -> bool:
    """Write down the exact numbers that came beside the account's posts.

    They take the place of rounded ones captured after ``since`` (the run's beginning), and stand
    back for exact ones, so that a run leaves one snapshot at most. Returns whether one was due.
    """
    with transaction.atomic(savepoint=False):
        _lock(profile)
        of_run = ProfileMetrics.objects.filter(profile=profile, captured_at__gte=since)
        if of_run.filter(approximate=False).exists():
            return False
        of_run.delete()
        known = ProfileCounts.of(profile)
        counts = ProfileCounts.of(found).filled(known)
        if known.video_count is not None:  # theirs counts what isn't shown, too
            counts = replace(counts, video_count=known.video_count)
        return _record(profile, counts, captured_at, exact=True)


def _record(
    profile: TikTokProfile, counts: ProfileCounts, captured_at: datetime, *, exact: bool
) -> bool:
    """A snapshot at first sight and when a number moved; the profile always. Keeps the order."""
    with transaction.atomic(savepoint=False):
        _lock(profile)
        last = ProfileMetrics.objects.filter(profile=profile).order_by("-captured_at").first()
        if last and last.captured_at >= captured_at:
            return False
        TikTokProfile.objects.filter(pk=profile.pk).update(**asdict(counts))
        for name, count in asdict(counts).items():
            setattr(profile, name, count)
        if last and ProfileCounts.of(last) == counts:
            return False
        ProfileMetrics.objects.create(
            profile=profile,
            captured_at=captured_at,
            approximate=not exact,
            decreased=last is not None and counts.fell_from(ProfileCounts.of(last)),
            **asdict(counts),
        )
        return True


def _lock(profile: TikTokProfile) -> None:
    """Wait for whoever is writing about this profile. Raises TikTokProfile.DoesNotExist."""
    TikTokProfile.objects.select_for_update(no_key=True).only("pk").get(pk=profile.pk)

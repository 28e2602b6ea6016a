"""The figures and their formulas. Whatever is not defined is null; nothing is guessed as 0.

Where a source is named, it was read in November 2026; the rest are this product's definitions.

**Outlier score** = views / median of the views of the last 30 posts of the same kind (photo or
video) of the same account, published before it. Left out of those 30: pinned posts, posts whose
numbers were seen within 24 hours of publication (young), posts with unknown views. ``outlier_n``
is how many there were; under 10 the score has low confidence. Null for a young post, for unknown
views, and where the median is 0 or there is none. The ratio to the creator's median is what
creators' tools call an outlier multiplier (outlierkit.com/resources/outlier-scores, "how many
times more than typical"; brightbean.xyz, "3x to 10x more views than the channel's median");
outlier.so subtracts 1 from the same ratio. A median, because a mean is pulled up by past outliers.

**Rates**, all per view: like rate = likes / views, and so on for comments, shares and saves;
engagement rate = (likes + comments + shares + saves) / views, "engagement rate by views" as
shortformtools.com/tiktok-engagement-rate-calculator has it, as a fraction instead of per cent.
Null if views are unknown or 0, or a number that it needs is unknown.

**Views at a moment** come from the snapshots with known views. Between two of them views are taken
to grow evenly, if the two lie no further apart than ``apart`` (or have the same views: then nothing
is guessed); else the nearer one stands if it is no further away than ``near``. After the last
snapshot views stay as they are up to when the post was last seen, because a change would have left
a snapshot. Before the first one it stands if the moment is no more than ``near`` before it.

**Gains** over 1, 7, 14 and 30 days = views when last seen less views that many days before. A
younger post had 0 before it was published, so it gained all it has. Null where those are unknown.

**Velocity** (views per hour) = the difference between the last two snapshots over the hours between
them; 0 where the post was seen an hour or more after the last one, as no number had moved. Null for
a single snapshot, and for two less than an hour apart.

**Scores at 24 hours, 7 and 30 days** compare like with like: views at that age / median of the
views at the same age of the last 30 posts of the same kind before it, pinned ones left out. They
are given only if 10 or more of those are known, because they are final: once written, neither they
nor the views at that age change again.

**Cadence** of an account: over the latest 31 posts of any kind, posts per week = gaps / weeks from
the first to the last, and the median gap between neighbours in hours.
"""

from __future__ import annotations

from dataclasses import dataclass

BASELINE_POSTS = 30
CONFIDENT_FROM = 10
HOUR, DAY = 3600, 86_400
YOUNG = DAY


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time in seconds, and how exactly it can be hit (see "views at a moment")."""

    name: str
    seconds: int
    apart: int
    near: int


AGES = (
    Span("24h", DAY, 36 * HOUR, 6 * HOUR),
    Span("7d", 7 * DAY, 4 * DAY, DAY),
    Span("30d", 30 * DAY, 14 * DAY, 3 * DAY),
)
GAINS = (
    Span("1d", DAY, 36 * HOUR, 6 * HOUR),
    Span("7d", 7 * DAY, 4 * DAY, DAY),
    Span("14d", 14 * DAY, 7 * DAY, 2 * DAY),
    Span("30d", 30 * DAY, 14 * DAY, 3 * DAY),
)

"""A profile's totals, added up from its posts."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction

from tiktok.models import TikTokProfile

# Pages keep the totals by adding what changed. This adds everything up again, so that whatever
# else touched the posts (a person in the admin, say) is made good.
RECOMPUTE = """
UPDATE tiktok_tiktokprofile AS profile SET
    total_posts = sums.posts, total_views = sums.views, total_likes = sums.likes,
    total_comments = sums.comments, total_shares = sums.shares, total_saves = sums.saves
FROM (
    SELECT count(*) AS posts, coalesce(sum(view_count), 0) AS views,
           coalesce(sum(like_count), 0) AS likes, coalesce(sum(comment_count), 0) AS comments,
           coalesce(sum(share_count), 0) AS shares, coalesce(sum(save_count), 0) AS saves
    FROM tiktok_tiktokpost WHERE profile_id = %(profile)s
) AS sums
WHERE profile.id = %(profile)s
  AND (total_posts, total_views, total_likes, total_comments, total_shares, total_saves)
      IS DISTINCT FROM
      (sums.posts, sums.views, sums.likes, sums.comments, sums.shares, sums.saves)
"""


def recompute_totals(profile_id: UUID) -> bool:
    """Make the totals equal the sums over the profile's posts. Returns whether they were off."""
    with transaction.atomic():
        # The sums must be taken after the lock: a page in progress would be missing from them.
        TikTokProfile.objects.select_for_update(no_key=True).filter(pk=profile_id).values_list(
            "pk"
        ).first()
        with connection.cursor() as cursor:
            cursor.execute(RECOMPUTE, {"profile": profile_id})
            return bool(cursor.rowcount)

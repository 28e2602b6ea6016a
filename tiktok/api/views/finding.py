"""The row that a path names, and what stands in the way of reading it."""

from __future__ import annotations

from carousel.api.bodies import parse_id
from carousel.api.errors import missing
from tiktok.models import TikTokPost, TikTokProfile
from tiktok.services import NotAPhotoPost, SlidesUnknown

# Posts that can't have a reading, or not yet; each exception has a code and says why.
UNREADABLE = (NotAPhotoPost, SlidesUnknown)


def find_profile(text: str) -> TikTokProfile:
    """The profile with this id. Raises ApiProblem 404."""
    profile = TikTokProfile.objects.filter(pk=parse_id(text, "profile")).first()
    if profile is None:
        raise missing("profile", text)
    return profile


def find_post(text: str) -> TikTokPost:
    """The post with this id. Raises ApiProblem 404."""
    post = TikTokPost.objects.filter(pk=parse_id(text, "post")).select_related("reading").first()
    if post is None:
        raise missing("post", text)
    return post

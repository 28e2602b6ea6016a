"""Carousel: watches TikTok carousels, keeps them, reads them."""

from carousel.celery import app as celery_app

__all__ = ["celery_app"]

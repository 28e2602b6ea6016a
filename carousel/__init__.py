"""Carousel: watches TikTok carousels, keeps them, reads them."""

from carousel.celery import app as celery_app

VERSION = "1.0.0"

__all__ = ["VERSION", "celery_app"]

"""The process in which hostile pictures are taken apart: ``python -m media_cache.decoder``.

It imports Pillow, FFmpeg and nothing of the product, so that it starts fast, knows no secret, and
can die without taking anything along. ``media_cache.convert`` is the side that starts it.
"""

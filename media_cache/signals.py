"""Facts that this app announces. Whoever cares imports them; this app imports nobody.

Losing one is harmless: the listeners' sweeps look for the same situation.
"""

from __future__ import annotations

from django.dispatch import Signal

assets_settled = Signal()  # asset_ids: list[UUID]; each is stored, or has failed for good
links_died = Signal()  # asset_ids: list[UUID]; each is blocked until it gets fresh links

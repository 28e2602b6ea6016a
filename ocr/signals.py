"""The fact that this app announces. Losing one is harmless: sweeps look for the same situation."""

from __future__ import annotations

from django.dispatch import Signal

readings_finished = Signal()  # reading_ids: list[UUID]

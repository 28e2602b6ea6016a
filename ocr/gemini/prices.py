"""What Gemini's tokens cost. The only place with prices; check it when a model is added.

Source: ai.google.dev/gemini-api/docs/pricing, as of November 2026, paid tier, per million tokens.
Batch mode is half of it where no own price is given.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

logger = logging.getLogger(__name__)

_MILLION: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. Output includes thinking."""

    input: Decimal
    output: Decimal
    batch_input: Decimal | None = None
    batch_output: Decimal | None = None

    def cost(self, input_tokens: int, output_tokens: int, *, batch: bool = False) -> Decimal:
        """Return the dollars for so many tokens."""
        per_input, per_output = self.input, self.output
        if batch:
            per_input = self.batch_input if self.batch_input is not None else self.input / 2
            per_output = self.batch_output if self.batch_output is not None else self.output / 2
        return (input_tokens * per_input + output_tokens * per_output) / _MILLION


def _price(*dollars: str) -> Price:
    return Price(*(Decimal(each) for each in dollars))


PRICES: Final[dict[str, tuple[tuple[date, Price], ...]]] = {
    "gemini-2.5-flash-lite": ((date.max, _price("0.10", "0.40")),),
    "gemini-3.1-flash-lite": ((date.max, _price("0.25", "1.50", "0.13", "0.75")),),
    "gemini-3.5-flash-lite": ((date.max, _price("0.30", "2.50")),),
    "gemini-3.6-flash": ((date.max, _price("1.50", "7.50")),),
    # Published until the end of 2026 only; afterwards the price of its predecessor is assumed.
    "gemini-3.8-flash": (
        (date(2026, 12, 31), _price("0.75", "3.75")),
        (date.max, _price("1.50", "7.50")),
    ),
    "gemini-4-argon": ((date(2026, 11, 30), _price("2", "10")), (date.max, _price("4", "20"))),
}
"""Per model: (last day, price), in order of days."""


def price_of(model: str, on: date) -> Price:
    """Return the price of ``model`` on a day, for names such as ``models/gemini-4-argon-001`` too.

    A model that is not in the table is counted at the dearest price in it, so that a budget errs
    on the side of stopping early; a warning says so.
    """
    name = model.removeprefix("models/")
    known = [listed for listed in PRICES if name == listed or name.startswith(f"{listed}-")]
    if known:
        return _on(PRICES[max(known, key=len)], on)
    logger.warning("No price is known for %s: counted at the dearest model's", name)
    return max((_on(steps, on) for steps in PRICES.values()), key=lambda price: price.output)


def _on(steps: tuple[tuple[date, Price], ...], day: date) -> Price:
    return next(price for last, price in steps if day <= last)

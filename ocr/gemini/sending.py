"""Send one request past the gate, and tell the gate what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from carousel.lib.errors import NotNow, UpstreamError
from ocr.engine import Gate
from ocr.gemini.client import GeminiClient, Reply
from ocr.gemini.config import GeminiConfig
from ocr.gemini.failures import RequestRejected
from ocr.gemini.packing import estimate, parts_of
from ocr.gemini.prices import Price, price_of
from ocr.gemini.progress import Bundle

STOPPING: Final = frozenset(
    ("invalid_key", "model_not_found", "quota_zero", "failed_precondition", "request_rejected")
)
"""Codes of refusals that any other request would get too."""

UNCERTAIN: Final = frozenset(("gemini_timeout", "gemini_unreachable", "gemini_bad_answer"))
"""Codes of failures after which nobody can tell whether the request was served and billed."""


class Sender:
    """Sends the requests of one call."""

    def __init__(
        self, config: GeminiConfig, client: GeminiClient, gate: Gate | None, instruction: str
    ) -> None:
        self._config = config
        self._client = client
        self._gate = gate
        self._instruction = instruction

    def price(self, model: str = "") -> Price:
        """Return the price of the model that answered, or that is asked."""
        name = model or self._config.model
        return self._config.price or price_of(name, datetime.now(UTC).date())

    def send(self, bundle: Bundle) -> Reply:
        """Ask for what is in the bundle; raises what the gate and the client raise."""
        limit = output_limit(bundle, self._config)
        if self._gate is None:
            return self._client.ask(parts_of(bundle), self._instruction, limit)
        ticket = self._gate.enter(
            estimate(bundle, self._instruction, self._config, self.price(), limit)
        )
        try:
            reply = self._client.ask(parts_of(bundle), self._instruction, limit)
        except NotNow as error:
            ticket.failed("quota", may_cost=False)
            self._gate.pause(error.wait, str(error))
            raise
        except RequestRejected:
            ticket.failed("request_rejected", may_cost=False)
            raise
        except UpstreamError as error:
            ticket.failed(error.code, may_cost=error.code in UNCERTAIN)
            raise self.stopped(error) from error
        cost = self.price(reply.model_version).cost(reply.input_tokens, reply.output_tokens)
        ticket.paid(reply.input_tokens, reply.output_tokens, cost)
        return reply

    def stopped(self, error: UpstreamError) -> NotNow | UpstreamError:
        """Close the gate if this error stands for every request; return what to raise."""
        if self._gate is None or error.code not in STOPPING:
            return error
        return self._gate.close(error)


def output_limit(bundle: Bundle, config: GeminiConfig) -> int:
    """Return the tokens that an answer may take: plenty, but no more than it can need, so that a
    model that repeats itself is cut off; all there is where that was not enough."""
    if bundle.tries:
        return config.max_output_tokens
    return min(config.max_output_tokens, 2_048 + 1_024 * len(bundle.asks))

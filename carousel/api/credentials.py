"""Who calls, and how often they may."""

from __future__ import annotations

import logging
import math
import re
import time
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:  # it imports what the settings name, which is this module
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

TOKEN = re.compile(r"[0-9A-Za-z]{1,40}")
TRUST = 10  # seconds without counting after Redis failed, so that its silence slows nobody down
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class ApiToken(TokenAuthentication):
    """``Authorization: Token <token>``, made by ``manage.py create_token``."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        """The user and the token. What can't be a token never reaches the database."""
        if not TOKEN.fullmatch(key):
            raise AuthenticationFailed("Invalid token.")
        user, token = super().authenticate_credentials(key)
        return user, token


class ApiRate(BaseThrottle):
    """A fixed number of requests per user and period, counted in Redis for all web processes.

    Without Redis nobody is refused: the limit protects the system, it is no promise to anybody.
    """

    wait_seconds = 0.0
    trusting_until: ClassVar[float] = 0.0  # on time.monotonic()'s clock

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count this request. False once the user has used up the period."""
        limit, seconds = self.rate()
        now = time.time()
        window = int(now // seconds)
        self.wait_seconds = (window + 1) * seconds - now
        key = f"api-rate:{request.user.pk}:{window}"
        if time.monotonic() < ApiRate.trusting_until:
            return True
        try:
            cache.add(key, 0, timeout=seconds + 1)
            return cache.incr(key) <= limit
        except (RedisError, OSError, ValueError) as exc:
            logger.warning("Can't count requests for %d s: %s", TRUST, exc)
            ApiRate.trusting_until = time.monotonic() + TRUST
            return True

    def wait(self) -> float:
        """Seconds until the next period."""
        return math.ceil(self.wait_seconds)

    @staticmethod
    def rate() -> tuple[int, int]:
        """``API_RATE`` (such as ``6000/min``) as requests and seconds."""
        rates: Any = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
        limit, _, period = rates["user"].partition("/")
        return int(limit), PERIODS[period[0]]

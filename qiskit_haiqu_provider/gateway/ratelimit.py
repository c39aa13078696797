"""How often a key, or somebody without one, may ask."""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from qiskit_haiqu_provider.gateway.errors import ApiError

_FAILURES = "30/minute"
"""Wrong keys from one address."""


class RateLimit:
    """Counts requests in memory.

    Args:
        rate: What a key may, in the notation of the ``limits`` library; empty for no limit, of failures neither.
    """

    def __init__(self, rate: str) -> None:
        self._rate = parse(rate) if rate else None
        self._failures = parse(_FAILURES)
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def count(self, key_id: int) -> None:
        """Count a request of a key.

        Raises:
            ApiError: 429 with ``Retry-After`` if there were too many.
        """
        if self._rate is not None and not self._counter.hit(self._rate, "key", str(key_id)):
            raise self._refusal(self._rate, "key", str(key_id))

    def count_failure(self, address: str) -> None:
        """Count a request without a valid key.

        Raises:
            ApiError: 429 with ``Retry-After`` if there were too many.
        """
        if self._rate is not None and not self._counter.hit(self._failures, "failure", address):
            raise self._refusal(self._failures, "failure", address)

    def _refusal(self, rate: RateLimitItem, *identifiers: str) -> ApiError:
        reset = self._counter.get_window_stats(rate, *identifiers).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        detail = f"There were more requests than {rate}. Wait {wait} s, and send fewer."
        return ApiError(429, detail, headers={"Retry-After": str(wait)})

"""Rate limits, by the `limits` library: in memory by default, on Redis when `REDIS_URL` is set."""

import math
import time
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from pulse.problems import Problem, Unavailable
from pulse.windows import Windows

# A rate's notation, and whose requests count towards it.
Counted = tuple[str, tuple[str, ...]]


class RateLimited(Problem):
    status = 429
    code = "rate_limit_exceeded"
    detail = "Too many requests. Try again later."


# A Redis that does not answer holds a request up for a second: once, and once more on a new connection.
REDIS_ANSWERS_WITHIN_SECONDS = 0.5


_limiters: dict[str, FixedWindowRateLimiter] = {}


def limiter(redis_url: str) -> FixedWindowRateLimiter:
    """This process' one limiter: of the threads that first ask at once, all get the same."""
    return _limiters.get(redis_url) or _limiters.setdefault(redis_url, _made(redis_url))


def forget() -> None:
    """Count anew, on new connections."""
    _limiters.clear()


def _made(redis_url: str) -> FixedWindowRateLimiter:
    if not redis_url:
        return FixedWindowRateLimiter(Windows())
    storage = storage_from_string(
        redis_url,
        wrap_exceptions=True,
        socket_timeout=REDIS_ANSWERS_WITHIN_SECONDS,
        socket_connect_timeout=REDIS_ANSWERS_WITHIN_SECONDS,
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]
    )
    return FixedWindowRateLimiter(storage)


@lru_cache(maxsize=1024)
def rate(notation: str) -> RateLimitItem:
    """The rate that `2000/minute` or `5/hour` stands for; ValueError when it does not parse or is 0."""
    item = parse(notation)
    if item.amount < 1:
        raise ValueError(f"{notation} lets nothing through")
    return item


@lru_cache(maxsize=1024)
def higher(one: str, other: str) -> str:
    """The notation of the two that allows more requests a second; `other` when `one` is empty."""
    if not one:
        return other
    return max(one, other, key=lambda notation: rate(notation).amount / rate(notation).get_expiry())


def hit(notation: str, *identifiers: str) -> bool:
    """Count one request; False when it is over the rate. Raises `Unavailable` when Redis is gone."""
    try:
        return limiter(settings.REDIS_URL).hit(rate(notation), *identifiers)
    except StorageError as error:
        raise Unavailable from error


def admit(counted: Iterable[Counted]) -> bool:
    """Count one request towards each rate; False at the first that it is over.

    While Redis is gone, each process counts by itself.
    """
    all_of_them = list(counted)
    try:
        return all(hit(notation, *identifiers) for notation, identifiers in all_of_them)
    except Unavailable:
        return all(limiter("").hit(rate(notation), *identifiers) for notation, identifiers in all_of_them)


def headers(notation: str, *identifiers: str) -> dict[str, str]:
    """`Retry-After` in seconds, and the limit's state, for a refusal. Raises `Unavailable`, too."""
    item = rate(notation)
    try:
        reset_at, remaining = limiter(settings.REDIS_URL).get_window_stats(item, *identifiers)
    except StorageError as error:
        raise Unavailable from error
    return {
        "Retry-After": str(max(1, math.ceil(reset_at - time.time()))),
        "X-RateLimit-Limit": str(item.amount),
        "X-RateLimit-Remaining": str(remaining),
    }

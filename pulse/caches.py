"""The cache on Redis, with this process' memory in its place while Redis is gone, so that people sign in.

django-allauth uses it for its limits and for one-time codes that were used, and the admin's first page for
error budgets, which it asks for twice a minute at most.
"""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pulse.limits import REDIS_ANSWERS_WITHIN_SECONDS

WAITS_NO_LONGER = {
    "socket_timeout": REDIS_ANSWERS_WITHIN_SECONDS,
    "socket_connect_timeout": REDIS_ANSWERS_WITHIN_SECONDS,
    "retry": Retry(NoBackoff(), 1),
}


class RedisOrMemory(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": WAITS_NO_LONGER})
        self._memory = LocMemCache("while Redis is gone", params)

    def add(self, *args: Any, **options: Any) -> bool:
        try:
            return super().add(*args, **options)
        except RedisError:
            return self._memory.add(*args, **options)

    def get(self, *args: Any, **options: Any) -> Any:
        try:
            return super().get(*args, **options)
        except RedisError:
            return self._memory.get(*args, **options)

    def set(self, *args: Any, **options: Any) -> None:
        try:
            super().set(*args, **options)
        except RedisError:
            self._memory.set(*args, **options)

    def delete(self, *args: Any, **options: Any) -> bool:
        try:
            return super().delete(*args, **options)
        except RedisError:
            return self._memory.delete(*args, **options)

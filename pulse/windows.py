"""Fixed windows of hits in this process's memory: a storage of the `limits` library, without its threads."""

import threading
import time
from typing import Any

from limits.storage import Storage

# Hits, and when it ends, in seconds since the epoch.
Window = tuple[int, float]


class Windows(Storage):
    """The library's own storage starts a thread at nearly every hit, to forget the windows that are over.

    Here the hit that finds the table full does that, so memory follows the keys of one window.
    """

    STORAGE_SCHEME = None
    FEW = 1024

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions, **options)
        self.lock = threading.Lock()
        self.windows: dict[str, Window] = {}
        self.room = self.FEW

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        with self.lock:
            hits, ends_at = self.windows.get(key, (0, 0.0))
            if ends_at <= now:
                self._make_room(now)
                hits, ends_at = 0, now + expiry
            self.windows[key] = (hits + amount, ends_at)
        return hits + amount

    def _make_room(self, now: float) -> None:
        if len(self.windows) >= self.room:
            self.windows = {key: window for key, window in self.windows.items() if window[1] > now}
            self.room = max(self.FEW, 2 * len(self.windows))

    def get(self, key: str) -> int:
        hits, ends_at = self.windows.get(key, (0, 0.0))
        return hits if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self.windows.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        self.windows = {}
        return None

    def clear(self, key: str) -> None:
        self.windows.pop(key, None)

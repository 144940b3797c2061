"""Rate limits in a process's own memory: windows begin, end and are forgotten."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import time_machine

from pulse import limits

RATE = "2/minute"


def test_hits_over_the_rate_are_refused_until_the_window_is_over():
    with time_machine.travel(0, tick=False) as clock:
        assert [limits.hit(RATE, "acme") for _ in range(3)] == [True, True, False]
        clock.shift(59)
        assert not limits.hit(RATE, "acme")
        clock.shift(1)
        assert limits.hit(RATE, "acme")


def test_the_headers_count_down_to_the_end_of_the_window():
    with time_machine.travel(0, tick=False) as clock:
        limits.hit(RATE, "acme")
        clock.shift(45)
        assert limits.headers(RATE, "acme") == {
            "Retry-After": "15",
            "X-RateLimit-Limit": "2",
            "X-RateLimit-Remaining": "1",
        }


def test_windows_that_are_over_leave_the_memory():
    storage = limits.limiter("").storage
    with time_machine.travel(0, tick=False) as clock:
        for minute in range(20):
            clock.move_to(minute * 60)
            for caller in range(500):
                limits.hit(RATE, f"{minute} {caller}")
    assert len(storage.windows) <= storage.FEW


def test_windows_that_still_run_are_kept_however_many_there_are():
    with time_machine.travel(0, tick=False):
        for _ in range(2):
            for caller in range(3000):
                limits.hit(RATE, str(caller))
        assert not any(limits.hit(RATE, str(caller)) for caller in range(3000))


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_threads_at_once_lose_no_hit():
    def hit(_: int) -> None:
        for _ in range(8000):
            limits.hit("100000/minute", "acme")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(hit, range(4)))
    assert limits.headers("100000/minute", "acme")["X-RateLimit-Remaining"] == "68000"


@pytest.mark.usefixtures("eager_threads")
def test_threads_that_ask_first_at_once_get_one_limiter() -> None:
    for _ in range(50):
        limits.forget()
        together = Barrier(4)

        def ask(_: int, together: Barrier = together) -> int:
            together.wait()
            return id(limits.limiter(""))

        with ThreadPoolExecutor(4) as threads:
            assert len(set(threads.map(ask, range(4)))) == 1

"""Clients that ask one thing without pause while an operator changes what the answer must be."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from tests.processes import wait_for

Answer = tuple[int, str]


@dataclass(frozen=True)
class Asked:
    """One request. Instants are of the monotonic clock, which all threads share."""

    started: float
    ended: float
    answer: Answer


@dataclass(frozen=True)
class Period:
    """From the instant a change was answered to the one the next was sent, only `due` is right."""

    since: float
    until: float
    due: Answer

    def wrong(self, asked: Asked) -> bool:
        return self.since < asked.started and asked.ended < self.until and asked.answer != self.due


@dataclass
class Watch:
    """What each client was answered, and what was due when."""

    asked: list[list[Asked]]
    periods: list[Period] = field(default_factory=list)

    def expect(self, change: Callable[[], object], due: Answer) -> None:
        """Make the change; then let every client be answered at least twice before the next."""
        change()
        since = monotonic()
        wait_for(lambda: all(self._answers_since(since, mine) >= 2 for mine in self.asked), what="answers")
        self.periods.append(Period(since, monotonic(), due))

    def _answers_since(self, since: float, mine: list[Asked]) -> int:
        return sum(1 for asked in mine[-20:] if asked.started > since)

    def wrong(self) -> list[tuple[Period, Asked]]:
        everything = [asked for mine in self.asked for asked in mine]
        return [(period, asked) for period in self.periods for asked in everything if period.wrong(asked)]


@contextmanager
def clients(ask: Callable[[], Answer], *, count: int = 4) -> Iterator[Watch]:
    """`count` threads that ask until the block ends."""
    stop = threading.Event()
    watch = Watch([[] for _ in range(count)])

    def keep_asking(mine: list[Asked]) -> None:
        while not stop.is_set():
            started = monotonic()
            answer = ask()
            mine.append(Asked(started, monotonic(), answer))

    threads = [threading.Thread(target=keep_asking, args=(mine,)) for mine in watch.asked]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        stop.set()
        for thread in threads:
            thread.join()

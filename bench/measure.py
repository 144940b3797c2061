"""How the benches measure: the contenders take turns within one run, and medians are compared."""

import gc
import itertools
import statistics
from collections.abc import Callable
from time import perf_counter_ns
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.progress import track

WARM_UP_ROUNDS = 3
IN_A_GROUP = 50

Work = Callable[[], object]


@runtime_checkable
class SelfTimed(Protocol):
    """A contender with something to do before its clock starts, or whose clock is in another process."""

    def microseconds(self, calls: int) -> float:
        """What one of so many calls in a row took."""


class Rotation:
    """A contender that works for another tenant each time: `visit(number)` turns to it, untimed.

    The numbers run through all from 0 to `size`, in an order that has no neighbours follow each other.
    """

    def __init__(self, visit: Callable[[int], Work], size: int) -> None:
        self.visit = visit
        self.numbers = (turn * STRIDE % size for turn in itertools.count())

    def microseconds(self, calls: int) -> float:
        return time(self.visit(next(self.numbers)), calls)


STRIDE = 7919  # A prime, so that every tenant has its turn.


def alternately(
    *contenders: Work | SelfTimed, rounds: int, calls: int = 1, title: str, before: Work | None = None
) -> list[list[float]]:
    """For each contender the microseconds that a call took, one value a round.

    A round runs each contender `calls` times in a row, after an untimed `before`. Their order turns
    round with every round, so that neither a drift of the machine nor coming first counts for one. Rounds
    are many and short, because on a busy machine a long one is interrupted more often than a short one.
    """
    taken: list[list[float]] = [[] for _ in contenders]
    order = list(range(len(contenders)))
    for number in track(range(rounds + WARM_UP_ROUNDS), title, console=Console(stderr=True), transient=True):
        if number == WARM_UP_ROUNDS:
            freeze()
        for index in order:
            if before is not None:
                before()
            taken[index].append(microseconds(contenders[index], calls))
        order.reverse()
    gc.unfreeze()
    return [values[WARM_UP_ROUNDS:] for values in taken]


def freeze() -> None:
    """What there is already is no garbage that each collection has to look through."""
    gc.collect()
    gc.freeze()


def microseconds(contender: Work | SelfTimed, calls: int) -> float:
    return contender.microseconds(calls) if isinstance(contender, SelfTimed) else time(contender, calls)


def time(work: Work, calls: int) -> float:
    """The microseconds of one of so many calls.

    Nobody pays for another's garbage: it is collected before the clock starts, not while it runs.
    """
    gc.collect()
    gc.disable()
    try:
        started = perf_counter_ns()
        for _ in range(calls):
            work()
        return (perf_counter_ns() - started) / calls / 1000
    finally:
        gc.enable()


def median(microseconds: list[float]) -> float:
    return statistics.median(microseconds)


def p95_milliseconds(microseconds: list[float]) -> float:
    """The median of the 95th percentiles of each fifty calls in a row, which no single hiccup decides."""
    groups = [microseconds[at : at + IN_A_GROUP] for at in range(0, len(microseconds), IN_A_GROUP)]
    return median([statistics.quantiles(group, n=20, method="inclusive")[-1] for group in groups]) / 1000

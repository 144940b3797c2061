"""How the benches measure: the contenders take turns within one run, and medians are compared."""

import gc
import statistics
from collections.abc import Callable
from time import perf_counter_ns

from rich.console import Console
from rich.progress import track

WARM_UP_ROUNDS = 3
IN_A_GROUP = 50

Work = Callable[[], object]


def alternately(
    *contenders: Work, rounds: int, calls: int = 1, title: str, before: Work | None = None
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
            gc.collect()
            gc.freeze()
        for index in order:
            if before is not None:
                before()
            taken[index].append(_time(contenders[index], calls))
        order.reverse()
    gc.unfreeze()
    return [values[WARM_UP_ROUNDS:] for values in taken]


def _time(work: Work, calls: int) -> float:
    """Nobody pays for another's garbage: it is collected before the clock starts, not while it runs."""
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

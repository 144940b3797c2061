"""What Prometheus may have recorded of a Pulse that does well, and of one that does not."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

Values = Sequence[float | None]

TRAFFIC = 1_000_000


class Phase(NamedTuple):
    """A share of all events is bad for so many steps; of those, a share is beyond the alert's bound too."""

    steps: int
    bad: float = 0.0
    traffic: float = TRAFFIC
    awful: float = 0.0


def counter(growth: Iterable[float], *, start: float = 10_000, reset_at: int | None = None) -> list[float]:
    """A counter's samples; at the reset it begins anew, as after a restart."""
    values = list(accumulate(growth, initial=start))
    if reset_at is None:
        return values
    lost = values[reset_at - 1]
    return [value if number < reset_at else value - lost for number, value in enumerate(values)]


def series(metric: str, **labels: str) -> str:
    named = ", ".join(f'{name}="{value}"' for name, value in {"job": "pulse", **labels}.items())
    return f"{metric}{{{named}}}"


def requests(area: str, phases: Iterable[Phase], *, reset_at: int | None = None) -> dict[str, Values]:
    steps = [phase for phase in phases for _ in range(phase.steps)]
    growth = {
        "served": [phase.traffic * (1 - phase.bad) for phase in steps],
        "failed": [phase.traffic * phase.bad for phase in steps],
        # Strangers' refused requests, which say nothing of us.
        "refused": [phase.traffic * 5 for phase in steps],
    }
    return {
        series("pulse_http_requests_total", area=area, outcome=outcome): counter(grown, reset_at=reset_at)
        for outcome, grown in growth.items()
    }


def histogram(
    metric: str, bounds: tuple[str, str], phases: Iterable[Phase], *, reset_at: int | None = None
) -> dict[str, Values]:
    """Its buckets far below the objective's bound, at it, at the alert's, at twice that, and without one."""
    steps = [phase for phase in phases for _ in range(phase.steps)]
    good = [phase.traffic * (1 - phase.bad) for phase in steps]
    bearable = [phase.traffic * (1 - phase.awful) for phase in steps]
    everything = [phase.traffic for phase in steps]
    low = [grown * 0.9 for grown in good]
    highest = str(float(bounds[1]) * 2)
    buckets = {"0.05": low, bounds[0]: good, bounds[1]: bearable, highest: everything, "+Inf": everything}
    found: dict[str, Values] = {
        series(f"{metric}_bucket", le=bound): counter(grown, reset_at=reset_at)
        for bound, grown in buckets.items()
    }
    return found | {series(f"{metric}_count"): counter(everything, reset_at=reset_at)}

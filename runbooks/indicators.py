"""What an objective counts: how much there was, and how much of it was bad, in PromQL and by own counts."""

from collections.abc import Callable
from dataclasses import dataclass

# Prometheus scrapes Pulse by this name: other jobs may expose metrics of the same names.
JOB = "pulse"

# Answers a sample's value since the processes started, 0 where there is none.
Counts = Callable[[str, dict[str, str]], float]


def selector(metric: str, **labels: str) -> str:
    """A metric of Pulse's in PromQL; a value with a bar in it is a choice of several."""
    chosen = {"job": JOB, **labels}
    parts = (f'{name}{"=~" if "|" in value else "="}"{value}"' for name, value in chosen.items())
    return f"{metric}{{{','.join(parts)}}}"


def increase(metric: str, window: str, **labels: str) -> str:
    return f"sum(increase({selector(metric, **labels)}[{window}]))"


@dataclass(frozen=True, slots=True)
class Answered:
    """Good is a request that did not fail. Those that were refused for their own fault do not count."""

    area: str

    @property
    def words(self) -> str:
        return "of requests answered"

    def total(self, window: str) -> str:
        return increase("pulse_http_requests_total", window, area=self.area, outcome="served|failed")

    def bad(self, window: str) -> str:
        return increase("pulse_http_requests_total", window, area=self.area, outcome="failed")

    def counted(self, counts: Counts) -> tuple[float, float]:
        """The bad ones and all."""
        served, failed = (
            counts("pulse_http_requests_total", {"area": self.area, "outcome": outcome})
            for outcome in ("served", "failed")
        )
        return failed, served + failed


@dataclass(frozen=True, slots=True)
class Faster:
    """Good is what took no longer than `seconds`, which is one of the histogram's buckets."""

    histogram: str
    seconds: float

    @property
    def words(self) -> str:
        return f"within {self.seconds:g} s" if self.seconds < 3600 else f"within {self.seconds / 3600:g} h"

    @property
    def bound(self) -> dict[str, str]:
        """The bucket's label as our exposition writes it."""
        return {"le": str(float(self.seconds))}

    def total(self, window: str) -> str:
        return increase(f"{self.histogram}_count", window)

    def bad(self, window: str) -> str:
        good = increase(f"{self.histogram}_bucket", window, **self.bound)
        return f"({self.total(window)} - {good})"

    def counted(self, counts: Counts) -> tuple[float, float]:
        """The bad ones and all."""
        total = counts(f"{self.histogram}_count", {})
        return total - counts(f"{self.histogram}_bucket", self.bound), total

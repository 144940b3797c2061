"""The generated rules come to what an independent computation on the recorded series comes to."""

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, pairwise
from pathlib import Path

import yaml

from runbooks import rules
from tests import needs
from tests.runbooks.promtool import Case, Clock, failing
from tests.runbooks.recorded import Values, series

pytestmark = needs.promtool

LENGTHS = {"m": 60, "h": 3600, "d": 86_400}
# Half a step after the last sample, so that no sample lies on a window's edge.
CLOCKS = {
    Clock(step=60, evaluate=7230, at=7230): ("5m", "30m", "1h", "2h"),
    Clock(step=3600, evaluate=606_600, at=606_600): ("6h", "1d", "3d", "7d"),
}
AREAS = {"admin_api": "admin_api", "signup": "signup"}
BOUNDS = {
    "provisioning": ("pulse_hosted_provision_seconds", "2.0"),
    "billing_propagation": ("pulse_billing_propagation_seconds", "3600.0"),
    "lifecycle": ("pulse_hosted_lifecycle_transition_seconds", "0.5"),
}


def increased(values: Values, clock: Clock, window: str) -> float:
    """`increase` as Prometheus' documentation has it, written down anew.

    A fall is a restart, from 0; and what is seen between the first and the last sample is drawn out to the
    window's ends, but not beyond where the counter was 0, and by half a step where a sample is missing there.
    """
    length = int(window[:-1]) * LENGTHS[window[-1]]
    samples = [
        (number * clock.step, value)
        for number, value in enumerate(values)
        if value is not None and clock.at - length <= number * clock.step <= clock.at
    ]
    growth = sum(b if b < a else b - a for (_, a), (_, b) in pairwise(samples))
    (first, first_value), (last, _) = samples[0], samples[-1]
    seen = last - first
    step = seen / (len(samples) - 1)
    before, after = first - (clock.at - length), clock.at - last
    if growth > 0:
        before = min(before, seen * first_value / growth)
    drawn_out = sum(end if end < step * 1.1 else step / 2 for end in (before, after))
    return growth * (seen + drawn_out) / seen


class Recorder:
    """Counters that grow in bursts, of one process: they restart, and are not scraped, at the same times."""

    def __init__(self, dice: random.Random, clock: Clock) -> None:
        self.dice, self.steps = dice, clock.steps
        self.restarts = set(dice.sample(range(2, clock.steps), dice.randrange(3)))
        self.gaps = set(dice.sample(range(clock.steps - 2), clock.steps // 20))

    def growth(self, largest: int) -> list[int]:
        busy = self.dice.choice((0.0, 0.05, 0.5, 1.0))
        return [
            self.dice.randrange(largest) if self.dice.random() < busy else 0 for _ in range(self.steps + 1)
        ]

    def counter(self, growth: list[int]) -> Values:
        numbered = enumerate(growth)
        values = accumulate(numbered, lambda so_far, new: self._next(so_far, *new), initial=0)
        return [None if number in self.gaps else value for number, value in enumerate(list(values)[1:])]

    def _next(self, so_far: int, number: int, grown: int) -> int:
        return grown if number in self.restarts else so_far + grown


def record(recorder: Recorder) -> Iterator[tuple[str, dict[str, Values], list[Values], list[Values]]]:
    """Each objective with its series, those whose growth is bad, and those whose growth is all."""
    for slo, area in AREAS.items():
        sizes = {"served": 1000, "failed": 50, "refused": 9000}
        counted = {outcome: recorder.counter(recorder.growth(size)) for outcome, size in sizes.items()}
        named = {
            series("pulse_http_requests_total", area=area, outcome=outcome): values
            for outcome, values in counted.items()
        }
        yield slo, named, [counted["failed"]], [counted["served"], counted["failed"]]
    for slo, (metric, bound) in BOUNDS.items():
        good, slow = recorder.growth(1000), recorder.growth(200)
        everything = recorder.counter([a + b for a, b in zip(good, slow, strict=True)])
        within = recorder.counter(good)
        named = {series(f"{metric}_bucket", le=bound): within, series(f"{metric}_count"): everything}
        yield slo, named, [everything, within], [everything]


def ratio_due(bad: list[Values], everything: list[Values], increase: Callable[[Values], float]) -> float:
    total = sum(map(increase, everything))
    worse, *rest = map(increase, bad)
    return (worse - sum(rest)) / total if total else 0.0


def expressions() -> Mapping[tuple[str, str], str]:
    """As the rules have them, by objective and window."""
    recording = yaml.safe_load(rules.document())["groups"][0]["rules"]
    return {
        (rule["labels"]["slo"], rule["record"].removeprefix("slo:sli_error:ratio_rate")): rule["expr"]
        for rule in recording
    }


def random_cases(seed: int) -> Iterator[Case]:
    dice, asked = random.Random(seed), expressions()
    for clock, windows in CLOCKS.items():
        for slo, named, bad, everything in record(Recorder(dice, clock)):
            for window in windows:
                due = ratio_due(
                    bad, everything, lambda values: increased(values, clock, window)  # noqa: B023
                )  # fmt: skip
                question = f"abs(({asked[slo, window]}) - {due:.17g}) < bool 1e-9"
                name = f"seed {seed}: {slo} over {window}"
                yield Case(name, question, 1, clock, named, subject=f"{slo} over {window}")


def test_the_error_ratios_are_those_of_an_independent_computation(tmp_path: Path) -> None:
    cases = [case for seed in range(5) for case in random_cases(seed)]
    assert len(cases) == 200
    assert failing(cases, "groups: []", tmp_path) == []

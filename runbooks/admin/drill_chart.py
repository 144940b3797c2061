"""The history of a drill as a chart: a bar for each run, as high as it took long, marked by how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from runbooks.models import DrillRun

WIDTH, HEIGHT, ROOM_ABOVE = 640, 120, 18
WIDEST = 28
# By the state: what stands above the bar, for whom the colour says nothing.
MARKS = {"passed": "✓", "failed": "✕", "abandoned": "?", "not_applicable": "-", "running": "…"}


@dataclass(frozen=True, slots=True)
class Bar:
    """In the units of the chart's view box. `words` tell all of it."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    mark: str
    state: str
    words: str
    number: int


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    longest: float
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(runs: Sequence[DrillRun]) -> Chart | None:
    """Of the runs, the newest of which comes first and stands on the right; None without any."""
    if not runs:
        return None
    longest = max(max(run.seconds or 0.0 for run in runs), 0.001)
    slot = min(WIDEST, WIDTH / len(runs))
    bars = [_bar(run, place * slot, slot, longest) for place, run in enumerate(reversed(runs))]
    failed = sum(run.state == DrillRun.State.FAILED for run in runs)
    return Chart(
        bars, longest, f"The last {len(runs)} runs: {failed} failed, the longest took {longest:.1f} s"
    )


def _bar(run: DrillRun, x: float, slot: float, longest: float) -> Bar:
    height = max(2.0, (HEIGHT - ROOM_ABOVE) * (run.seconds or 0.0) / longest)
    words = str(run.get_state_display()).lower()
    return Bar(
        x=round(x + slot * 0.15, 1),
        y=round(HEIGHT - height, 1),
        width=round(slot * 0.7, 1),
        height=round(height, 1),
        middle=round(x + slot / 2, 1),
        mark=MARKS[run.state],
        state=run.state,
        words=f"{run.started_at:%-d %b %Y, %H:%M} UTC: {words} in {run.seconds or 0:.1f} s",
        number=run.pk,
    )

"""`promtool test rules` on many cases at once: which of them do not hold."""

import json
import re
import subprocess
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAME = re.compile(r'expr: ".* # (.+)", time')
GROUPS = ["pulse-objectives", "pulse-alerts"]


@dataclass(frozen=True)
class Clock:
    """How far apart samples and evaluations are, and when it is looked, in seconds."""

    step: int
    evaluate: int
    at: int

    @property
    def steps(self) -> int:
        return self.at // self.step


@dataclass(frozen=True)
class Case:
    """What was recorded, and what an expression must come to at the clock's end.

    Cases of one subject are never evaluated together; one without a subject is evaluated alone.
    """

    name: str
    question: str
    answer: float
    clock: Clock
    series: Mapping[str, Sequence[float | None]]
    subject: str = ""


@dataclass
class World:
    """Cases that promtool evaluates together, because they neither record nor ask the same."""

    clock: Clock
    cases: list[Case] = field(default_factory=list)

    def has_room_for(self, case: Case) -> bool:
        alone = not case.subject or case.clock != self.clock
        return not alone and all(
            other.subject not in ("", case.subject)
            and (other.series is case.series or not other.series.keys() & case.series.keys())
            for other in self.cases
        )

    def as_json(self) -> dict[str, object]:
        return {
            "interval": f"{self.clock.step}s",
            "input_series": [
                {"series": name, "values": " ".join(map(_sample, values))}
                for name, values in ChainMap(*(dict(case.series) for case in self.cases)).items()
            ],
            "promql_expr_test": [
                {
                    # A comment, which promtool repeats where the case does not hold.
                    "expr": f"{case.question} # {case.name}",
                    "eval_time": f"{self.clock.at}s",
                    "exp_samples": [{"labels": "{}", "value": case.answer}],
                }
                for case in self.cases
            ],
        }


def _sample(value: float | None) -> str:
    return "_" if value is None else f"{value:.15g}"


def failing(cases: Iterable[Case], rules: str, folder: Path) -> list[str]:
    """The names of the cases that do not hold, by one run of promtool."""
    (folder / "rules.yml").write_text(rules)
    worlds: list[World] = []
    for case in cases:
        place = next((world for world in worlds if world.has_room_for(case)), None)
        if place is None:
            worlds.append(place := World(case.clock))
        place.cases.append(case)
    files = [_written(worlds, seconds, folder) for seconds in {world.clock.evaluate for world in worlds}]
    said = subprocess.run(["promtool", "test", "rules", *files], capture_output=True, text=True, check=False)
    found = NAME.findall(said.stdout + said.stderr)
    assert found or said.returncode == 0, said.stderr
    return found


def _written(worlds: list[World], seconds: int, folder: Path) -> Path:
    """A file of all worlds that are evaluated so often. JSON is YAML, and quicker to write."""
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{seconds}s",
        "group_eval_order": GROUPS,
        "tests": [world.as_json() for world in worlds if world.clock.evaluate == seconds],
    }
    file = folder / f"cases-{seconds}.yml"
    file.write_text(json.dumps(document))
    return file

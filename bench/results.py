"""What a bench found: its row of the table and of `results.json`, and whether the budget holds.

`results.json` is `{"machine", "versions", "date", "results": [{"name", "ours", "against", "unit", "ratio",
"budget", "within"}]}`. `ratio` is ours divided by against, and `within` tells whether it is at most
`budget`; both of the latter are null for what is measured for information. A limit in milliseconds
stands in `against`, with the budget 1. What was watched over time also has its `points` of seconds and value.
The machine's `load` is the highest of those before each bench: a busy one stretches both sides of a
comparison alike, but not a limit.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from bench import peers

FILE = Path(__file__).with_name("results.json")
PACKAGES = ("Django", "djangorestframework", "limits")
PEERS = ("django-guardian", "casbin", "django-tenants", "psycopg")


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    ours: float
    against: float
    unit: str
    budget: float | None = None
    points: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        return cls(**{name: value for name, value in row.items() if name not in ("ratio", "within")})

    @property
    def ratio(self) -> float:
        return self.ours / self.against

    @property
    def within(self) -> bool | None:
        return None if self.budget is None else self.ratio <= self.budget

    def as_json(self) -> dict[str, Any]:
        row = {
            "name": self.name,
            "ours": round(self.ours, 3),
            "against": round(self.against, 3),
            "unit": self.unit,
            "ratio": float(f"{self.ratio:.4g}"),
            "budget": self.budget,
            "within": self.within,
        }
        return row | {"points": self.points} if self.points else row


def run(measure: Callable[[], list[Result]]) -> None:
    """The command of one bench: prints its table, or with `--json` its rows, and exits 1 over a budget."""
    parser = argparse.ArgumentParser(description=sys.modules[measure.__module__].__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of a table")
    as_json = parser.parse_args().json
    found = measure()
    if as_json:
        print(json.dumps([result.as_json() for result in found]))
    else:
        Console().print(table([result.as_json() for result in found]))
    sys.exit(exit_code([result.as_json() for result in found]))


def exit_code(rows: list[dict[str, Any]]) -> int:
    return 1 if any(row["within"] is False for row in rows) else 0


def table(rows: list[dict[str, Any]]) -> Table:
    drawn = Table("what", title="Medians of alternating rounds")
    for heading in ("ours", "against", "unit", "ratio", "budget", "within"):
        drawn.add_column(heading, justify="left" if heading == "unit" else "right")
    for row in rows:
        drawn.add_row(
            row["name"],
            f"{row['ours']:,.2f}",
            f"{row['against']:,.2f}",
            row["unit"],
            f"{row['ratio']:.3f}",
            "" if row["budget"] is None else f"{row['budget']:.3f}",
            {True: "yes", False: "[bold red]NO[/]", None: ""}[row["within"]],
        )
    return drawn


def document(rows: list[dict[str, Any]], *, load: float) -> dict[str, Any]:
    return {
        "machine": {
            "processors": os.cpu_count(),
            "load": round(load, 2),
            "architecture": platform.machine(),
            "system": f"{platform.system()} {platform.release()}",
        },
        "versions": {
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            **{name: version(name) for name in (*PACKAGES, *filter(peers.has, PEERS))},
        },
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "results": rows,
    }


def write(rows: list[dict[str, Any]], *, load: float, file: Path = FILE) -> None:
    file.write_text(json.dumps(document(rows, load=load), indent=2, ensure_ascii=False) + "\n")

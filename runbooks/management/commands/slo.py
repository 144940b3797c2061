"""`manage.py slo rules|dashboard|status`."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from runbooks import dashboard, rules, slos


class Command(OperatorCommand):
    help = (
        "Prometheus' rules and Grafana's dashboard, made from the objectives; and what is left of each error "
        "budget, exiting 1 when one is exhausted. Example: manage.py slo rules --output pulse.rules.yml"
    )

    def arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        written = verbs.add_parser("rules", help="Recording and alerting rules, as YAML, or as JSON.")
        written.add_argument("--output", type=Path, help="A file, instead of standard output.")
        written.add_argument(
            "--speedup",
            type=_speedup,
            default=1,
            metavar="N",
            help="Divide every window by N, to rehearse alerts in minutes.",
        )
        drawn = verbs.add_parser("dashboard", help="A dashboard for Grafana, as JSON.")
        drawn.add_argument("--output", type=Path, help="A file, instead of standard output.")
        verbs.add_parser("status", help="What is left of each error budget.")
        for one in verbs.choices.values():
            self.common(one)

    def run(self, *, actor: Actor, verb: str, **options: Any) -> None:
        match verb:
            case "rules":
                self._write(self._rules(options["speedup"]), options["output"])
            case "dashboard":
                self._write(dashboard.document(), options["output"])
            case _:
                actor.require("runbooks.view_incident")
                self._status()

    def _rules(self, speedup: int) -> str:
        if self.as_json:
            return json.dumps(rules.listed(speedup=speedup), indent=2) + "\n"
        return rules.document(speedup=speedup)

    def _write(self, text: str, output: Path | None) -> None:
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            output.write_text(text)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        if self.as_json:
            self.print_json({"output": str(output)})

    def _status(self) -> None:
        found = slos.status()
        if self.as_json:
            self.print_json([one.as_json() for one in found])
        else:
            self.print_rows([_row(one) for one in found])
            for note in sorted({one.note for one in found} - {""}):
                self.stdout.write(note)
        if any(one.is_exhausted for one in found):
            sys.exit(1)


def _row(one: slos.Status) -> dict[str, str]:
    return {
        "slo": one.slo.id,
        "objective": one.slo.words,
        "window": one.slo.window,
        "current": "nothing yet" if one.current is None else f"{one.current:.3%}",
        "bad": f"{one.bad:.0f} of {one.total:.0f}",
        "budget left": f"{one.budget_left:.1%}",
    }


def _speedup(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SPEEDUP:
        raise CommandError(f"--speedup is a whole number from 1 to {MOST_SPEEDUP}.")
    return int(text)


# Of the shortest window, 5 minutes, there are then 300 ms.
MOST_SPEEDUP = 1000

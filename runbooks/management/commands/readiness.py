"""`manage.py readiness`: the board, and its answer as the exit code."""

import sys
import traceback
from typing import IO, Any, NoReturn, cast

from django.core.management.base import CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from pulse.settings import STAGES
from runbooks import readiness, reports, runs, verdicts
from runbooks.models import Outcome
from runbooks.readiness import Line, Readiness

EXIT_CODES = {Outcome.GO: 0, Outcome.GO_WITH_CONDITIONS: 1, Outcome.NO_GO: 2}
# Everything that is no answer: a refusal, wrong usage, a database that is away.
NO_ANSWER = 3
# Where nobody's window says how wide a line may be.
WIDTH_OF_A_FILE = 200
COLUMNS = ("", "What", "State", "Since (UTC)", "Why", "Next")


class Parser(CommandParser):
    """argparse ends with 2 for wrong usage, which would read as NO_GO."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(NO_ANSWER if status else 0, message)


class Command(OperatorCommand):
    help = (
        "May we run this stage, why, and what is missing? Exits with 0 for GO, 1 for GO_WITH_CONDITIONS, "
        "2 for NO_GO, and 3 where there is no answer. Example: manage.py readiness --stage ga --report"
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        made = super().create_parser(prog_name, subcommand, **kwargs)
        made.__class__ = Parser
        return made

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stage", choices=STAGES, help="Default: PULSE_STAGE, or private_beta in development."
        )
        parser.add_argument("--report", action="store_true", help="Also write docs/readiness/DATE-STAGE.md.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except SystemExit as refused:
            sys.exit(NO_ANSWER if refused.code else 0)
        except Exception:
            self.stderr.write(traceback.format_exc())
            sys.exit(NO_ANSWER)
        sys.exit(EXIT_CODES[self.outcome])

    def run(self, *, actor: Actor, stage: str | None, report: bool, **options: Any) -> None:
        actor.require(verdicts.VIEW)
        runs.bury_dead()
        computed = readiness.compute(stage or readiness.default_stage())
        self.outcome = computed.outcome
        file = reports.write(computed) if report else None
        if self.as_json:
            self.print_json(reports.described(computed) | ({"report": str(file)} if file else {}))
            return
        self._print_board(computed)
        if file:
            self.stdout.write(f"Written to {file}.")

    def _print_board(self, computed: Readiness) -> None:
        console = Console(file=cast(IO[str], self.stdout))
        if not console.is_terminal:
            console.width = WIDTH_OF_A_FILE
        table = Table(*COLUMNS, title=f"{computed.stage}: {computed.outcome}")
        for line in computed.lines:
            table.add_row(*map(Text, _cells(line)))
        console.print(table)
        stands = verdicts.stands(computed.stage)
        signed = "A signed verdict stands." if stands else "No signed verdict stands: the gate is shut."
        self.stdout.write(f"{signed} Code: {computed.code}.")
        for number, line in enumerate(computed.missing, start=1):
            self.stdout.write(f"{number}. {line}. {line.next}".rstrip())


def _cells(line: Line) -> tuple[str, ...]:
    mark = "ok" if line.holds else "blocks" if line.blocks else "open"
    since = f"{line.since:%Y-%m-%d %H:%M}" if line.since else ""
    return mark, f"{line.id} {line.title}", line.state, since, line.why, line.next

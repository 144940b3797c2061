"""What every operator's command shares: `--json`, `--actor`, tables, progress, refusals and exit codes.

Exit codes: 0 done, 1 refused or partly refused, 2 wrong usage.
"""

import json
import sys
from argparse import SUPPRESS
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, cast

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from pulse.actors import Actor, from_shell, from_user
from pulse.problems import Problem, Unavailable, as_problem

Row = dict[str, Any]


class OperatorCommand(BaseCommand):
    """Subclasses add their arguments in `arguments` and do their work in `run`."""

    requires_system_checks: Sequence[str] = ()  # type: ignore[assignment]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.set_defaults(json=False, actor=None)
        self.common(parser)
        self.arguments(parser)

    def common(self, parser: CommandParser) -> None:
        """The options of every command; called for the parser of a verb too, so that they may follow it."""
        parser.add_argument("--json", action="store_true", default=SUPPRESS, help="Print one JSON document.")
        parser.add_argument(
            "--actor",
            metavar="EMAIL",
            default=SUPPRESS,
            help="Act as this operator, with their permissions; else the operating-system user is recorded.",
        )

    def arguments(self, parser: CommandParser) -> None:
        """Add the command's own arguments."""

    # Does the work, given `actor` and the options by keyword; a `Problem` ends the command with code 1.
    run: Callable[..., None]

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json: bool = options["json"]
        try:
            self.run(actor=self._actor(options.pop("actor")), **options)
        except (Problem, DatabaseError) as error:
            if (problem := as_problem(error)) is None:
                raise
            self._refuse(problem)

    def print_rows(self, rows: Sequence[Row], *, empty: str = "Nothing.") -> None:
        """A JSON list, or a table with a line instead of it when there are no rows."""
        if self.as_json:
            self.print_json(rows)
        elif not rows:
            self.stdout.write(empty)
        else:
            self._print_table(rows)

    def print_json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, indent=2))

    def for_each(self, ids: Sequence[str], verb: Callable[[str], Row], *, description: str) -> None:
        """Call the verb for each id, with progress on a terminal. One refusal does not stop the others."""
        rows: list[Row] = []
        for one in self.progress(ids, len(ids), description):
            try:
                rows.append({"id": one, "result": "done", **verb(one)})
            except (Problem, DatabaseError) as error:
                problem = as_problem(error) or Unavailable()
                rows.append({"id": one, "result": problem.code, "detail": problem.detail})
        self.print_rows(rows)
        if any(row["result"] != "done" for row in rows):
            sys.exit(1)

    def progress(self, items: Iterable[Any], total: int, description: str) -> Iterable[Any]:
        """The items, behind a progress bar on standard error when that is a terminal."""
        console = Console(stderr=True)
        shown = console.is_terminal and total > 1
        return track(items, description, total=total, console=console, disable=not shown)

    def _print_table(self, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        table = Table(*columns)
        cells = [["" if row.get(name) is None else str(row[name]) for name in columns] for row in rows]
        for line in cells:
            table.add_row(*map(Text, line))  # Text, because a plain string may hold rich's markup.
        console = Console(file=cast(IO[str], self.stdout), soft_wrap=True)
        if console.is_terminal:
            console.print(table)
            return
        self.stdout.write("\t".join(columns))
        for line in cells:
            self.stdout.write("\t".join(line))

    def _actor(self, email: str | None) -> Actor:
        if email is None:
            return from_shell()
        user = get_user_model().objects.filter(email=email.strip().lower(), is_staff=True).first()
        if user is None:
            raise CommandError(f"There is no operator with the e-mail address {email}.")
        return from_user(user, door="command")

    def _refuse(self, problem: Problem) -> None:
        if self.as_json:
            self.print_json(problem.as_json())
        else:
            self.stderr.write(f"{problem.code}: {problem.detail}")
        sys.exit(1)

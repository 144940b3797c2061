"""What every operator's command shares: its options, tables, progress, questions, refusals and exit codes.

Exit codes: 0 done, 1 refused or partly refused, 2 wrong usage, 130 interrupted, 141 the reader went away.
"""

import json
import os
import re
import sys
from argparse import SUPPRESS
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, cast

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, transaction
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from pulse.actors import Actor, from_shell, from_user
from pulse.problems import Problem, Unavailable, as_problem, members_of

Row = dict[str, Any]

INTERRUPTED, READER_GONE = 130, 141  # 128 and the signal, as a shell has it.
WOULD_BE_DONE = "would be done"


class OperatorCommand(BaseCommand):
    """Subclasses add their arguments in `arguments` and do their work in `run`."""

    requires_system_checks: Sequence[str] = ()  # type: ignore[assignment]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.set_defaults(json=False, actor=None)
        self.common(parser)
        self.arguments(parser)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Options are written out: `reap --l` is a mistake, not `--live`."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

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

    def reason_option(self, parser: CommandParser, *, required: bool = False, when: str = "") -> None:
        """`when` says of which use it is the reason, where a command has several."""
        default = {} if required else {"default": ""}
        told = f"Why{', ' * bool(when)}{when}: kept in the audit log."
        parser.add_argument("--reason", required=required, help=told, **default)

    def dry_run_option(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done, and do nothing.")

    def yes_option(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    # Does the work, given `actor` and the options by keyword; a `Problem` ends the command with code 1.
    run: Callable[..., None]

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json: bool = options["json"]
        try:
            self.run(actor=self._actor(options.pop("actor")), **options)
            self.stdout.flush()
        except (Problem, DatabaseError) as error:
            if (problem := as_problem(error)) is None:
                raise
            self._refuse(problem)
        except CommandError as error:
            if not self.as_json or error.returncode != 1:
                raise
            self.print_json(members_of(status=400, code="refused", detail=str(error)))
            sys.exit(1)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. What was done before stays done; nothing is half done.")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # Python flushes standard output once more at its end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(READER_GONE)

    def confirm(self, question: str, *, typed: str, yes: bool, demanded: bool = False) -> None:
        """Have the person at the terminal type `typed`, unless `yes`; a refusal to ends the command with 1.

        Without a terminal nobody is asked: it goes on, or where `--yes` is `demanded` ends with 2.
        """
        if yes:
            return
        if sys.stdin.isatty():
            self.stderr.write(f"{question} Type {typed} to go on: ", ending="")
            self.stderr.flush()
            if sys.stdin.readline().strip() != typed:
                raise CommandError("Nothing was changed.")
        elif demanded:
            raise CommandError("Add --yes: there is no terminal to ask.", returncode=2)

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

    def for_each(
        self, ids: Sequence[str], verb: Callable[[str], Row], *, description: str, dry_run: bool = False
    ) -> None:
        """Call the verb for each id, with progress on a terminal. One refusal does not stop the others.

        A dry run does it and takes it back, so the verb must change nothing but the control database.
        """
        rows: list[Row] = []
        result = WOULD_BE_DONE if dry_run else "done"
        for one in self.progress(ids, len(ids), description):
            try:
                rows.append({"id": one, "result": result, **(_undone if dry_run else _done)(verb, one)})
            except (Problem, DatabaseError) as error:
                problem = as_problem(error) or Unavailable()
                rows.append({"id": one, "result": problem.code, "detail": problem.detail})
        self.print_rows(rows)
        if any(row["result"] != result for row in rows):
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
            self.stdout.write("\t".join(re.sub(r"\s", " ", cell) for cell in line))

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


def _done(verb: Callable[[str], Row], one: str) -> Row:
    return verb(one)


def _undone(verb: Callable[[str], Row], one: str) -> Row:
    """What the verb answers; what it wrote is rolled back, and what waits for the commit never happens."""
    with transaction.atomic():
        row = verb(one)
        transaction.set_rollback(True)
    return row

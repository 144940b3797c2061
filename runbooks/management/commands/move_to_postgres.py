"""`manage.py move_to_postgres --to URL [--dry-run] [--reason TEXT] [--yes]`."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from runbooks import copying, moving
from runbooks.moving import Moved


class Command(OperatorCommand):
    help = (
        "Copy the control database from SQLite into an empty, migrated PostgreSQL: all or nothing. "
        "Example: manage.py move_to_postgres --to postgres://pulse@127.0.0.1:5432/pulse --dry-run"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            required=True,
            metavar="URL",
            help="The new DATABASE_URL. A password that it does not have is read from ~/.pgpass.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Do all of it and roll back; Pulse may go on running."
        )
        self.reason_option(parser)
        self.yes_option(parser)

    def run(self, *, actor: Actor, to: str, dry_run: bool, reason: str, yes: bool, **options: Any) -> None:
        if dry_run:
            moved = moving.rehearse(to=to, actor=actor, progress=self.progress)
        else:
            self.confirm("Pulse must stay stopped meanwhile.", typed="move", yes=yes, demanded=True)
            moved = moving.move(to=to, actor=actor, progress=self.progress, reason=reason)
        self._show(moved, dry_run=dry_run)

    def _show(self, moved: Moved, *, dry_run: bool) -> None:
        tables = [
            {"table": name, "rows": digest.rows, "sha256_sum": str(digest)}
            for name, digest in moved.tables.items()
        ]
        left_out = copying.LEFT_OUT | dict.fromkeys(moved.unknown, "no model is of it")
        broken = {name: asdict(one) for name, one in moved.broken.items()}
        if self.as_json:
            self.print_json(
                {"moved": not dry_run, "tables": tables, "left_out": left_out, "broken_before": broken}
            )
            return
        self.print_rows(tables)
        for name, why in left_out.items():
            self.stdout.write(f"Left out: {name}, because {why}.")
        for name in moving.CHAINS:
            self.stdout.write(f"The {name} is {'broken as it was' if name in broken else 'whole'}.")
        self.stdout.write("Nothing was kept: this was a rehearsal." if dry_run else "Moved.")

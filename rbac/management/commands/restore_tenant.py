"""`manage.py restore_tenant ID BACKUP [--reason TEXT] [--dry-run] [--yes]`."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from rbac import restoring
from rbac.backups import Backup


class Command(OperatorCommand):
    help = (
        "Put a tenant's database back to a backup; what is there is backed up first. "
        "Example: manage.py restore_tenant acme 20261125T010000.000000Z --yes"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID")
        parser.add_argument("backup", metavar="BACKUP", help="Its name, from backup_tenants --list.")
        self.reason_option(parser)
        self.dry_run_option(parser)
        self.yes_option(parser)

    def run(
        self,
        *,
        actor: Actor,
        id: str,  # noqa: A002 - the option's name
        backup: str,
        reason: str,
        yes: bool,
        dry_run: bool,
        **options: Any,
    ) -> None:
        if dry_run:
            _, found = restoring.restorable(id, backup, actor=actor)
            self._show(found, f"{id} would be as it was at {found.made_at}.")
            return
        self.confirm(f"Roles of {id} go back to {backup}.", typed=id, yes=yes, demanded=True)
        restored = restoring.restore(id, backup, actor=actor, reason=reason)
        self._show(restored, f"{id} is as it was at {restored.made_at}.")

    def _show(self, backup: Backup, line: str) -> None:
        if self.as_json:
            self.print_json(asdict(backup))
        else:
            self.stdout.write(line)

"""`manage.py restore_tenant ID BACKUP [--reason TEXT] [--yes]`."""

import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from rbac import restoring


class Command(OperatorCommand):
    help = (
        "Put a tenant's database back to a backup; what is there is backed up first. "
        "Example: manage.py restore_tenant acme 20261125T010000.000000Z --yes"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID")
        parser.add_argument("backup", metavar="BACKUP", help="Its name, from backup_tenants --list.")
        parser.add_argument("--reason", default="", help="Kept in the audit log.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def run(
        self,
        *,
        actor: Actor,
        id: str,  # noqa: A002 - the option's name
        backup: str,
        reason: str,
        yes: bool,
        **options: Any,
    ) -> None:
        if not yes:
            self._confirm(id, backup)
        restored = restoring.restore(id, backup, actor=actor, reason=reason)
        if self.as_json:
            self.print_json(asdict(restored))
        else:
            self.stdout.write(f"{id} is as it was at {restored.made_at}.")

    def _confirm(self, organization_id: str, backup: str) -> None:
        if not sys.stdin.isatty():
            raise CommandError("Add --yes: there is no terminal to ask.", returncode=2)
        asked = f"Roles of {organization_id} go back to {backup}. Type its id to go on: "
        if input(asked) != organization_id:
            raise CommandError("Nothing was changed.")

"""`manage.py restore_tenant ID BACKUP [--reason TEXT] [--yes]`."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

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
        self.reason_option(parser)
        self.yes_option(parser)

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
        self.confirm(f"Roles of {id} go back to {backup}.", typed=id, yes=yes, demanded=True)
        restored = restoring.restore(id, backup, actor=actor, reason=reason)
        if self.as_json:
            self.print_json(asdict(restored))
        else:
            self.stdout.write(f"{id} is as it was at {restored.made_at}.")

"""`manage.py suspend ID… [--reason TEXT] [--dry-run]`."""

from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import lifecycle


class Command(OperatorCommand):
    help = (
        "Suspend organizations: their people are refused from the next request on. "
        "Example: manage.py suspend acme globex --reason 'unpaid'"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="+", metavar="ID")
        self.reason_option(parser)
        self.dry_run_option(parser)

    def run(self, *, actor: Actor, ids: list[str], reason: str, dry_run: bool, **options: Any) -> None:
        def act(one: str) -> dict[str, Any]:
            return {"status": lifecycle.suspend(one, actor=actor, reason=reason).status}

        self.for_each(ids, act, description="suspend", dry_run=dry_run)

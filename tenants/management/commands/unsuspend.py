"""`manage.py unsuspend ID… [--reason TEXT]`."""

from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import lifecycle


class Command(OperatorCommand):
    help = (
        "Let the people of suspended organizations in again. "
        "Example: manage.py unsuspend acme --reason 'paid'"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="+", metavar="ID")
        parser.add_argument("--reason", default="", help="Kept in the audit log.")

    def run(self, *, actor: Actor, ids: list[str], reason: str, **options: Any) -> None:
        def act(one: str) -> dict[str, Any]:
            return {"status": lifecycle.unsuspend(one, actor=actor, reason=reason).status}

        self.for_each(ids, act, description="unsuspend")

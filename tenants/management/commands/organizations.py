"""`manage.py organizations [--status S]`."""

from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants.api.serializers import OrganizationSerializer
from tenants.models import Organization, Status


class Command(OperatorCommand):
    help = (
        "List organizations, purged ones only when asked for. "
        "Example: manage.py organizations --status suspended"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--status", choices=Status.values, help="Only those of one status.")
        parser.add_argument("--synthetic", action="store_true", help="Those that drills made instead.")
        parser.add_argument(
            "--search", default="", help="Part of the id, the name or an owner's e-mail address."
        )

    def run(self, *, actor: Actor, status: str | None, search: str, synthetic: bool, **options: Any) -> None:
        actor.require("tenants.view_organization")
        found = Organization.objects.with_owner().search(search).filter(is_synthetic=synthetic).order_by("id")
        found = found.filter(status=status) if status else found.living()
        rows = OrganizationSerializer(found, many=True).data
        if self.as_json:
            self.print_json(rows)
            return
        columns = ("id", "display_name", "status", "status_changed_at", "owner_email")
        self.print_rows([{name: row[name] for name in columns} for row in rows], empty="No organizations.")

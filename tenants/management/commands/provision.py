"""`manage.py provision --email E --name N [--id ID] [--dry-run]`."""

from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import WOULD_BE_DONE, OperatorCommand
from tenants import provisioning
from tenants.presentation import organization_json


class Command(OperatorCommand):
    help = (
        "Make an organization with its owner; the same e-mail again answers the existing one. "
        "Example: manage.py provision --email ann@example.com --name 'Acme Ltd' --id acme"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="The owner's e-mail address.")
        parser.add_argument("--name", required=True, help="The display name, 3 to 64 characters.")
        parser.add_argument("--id", dest="organization_id", help="Made from the name when absent.")
        self.reason_option(parser)
        self.dry_run_option(parser)

    def run(
        self,
        *,
        actor: Actor,
        email: str,
        name: str,
        organization_id: str | None,
        reason: str,
        dry_run: bool,
        **options: Any,
    ) -> None:
        wanted: dict[str, Any] = {
            "email": email, "name": name, "organization_id": organization_id, "actor": actor,
        }  # fmt: skip
        if dry_run:
            self._rehearse(wanted)
            return
        provisioned = provisioning.provision(**wanted, reason=reason)
        shown = organization_json(provisioned.organization.id) | {"existing": provisioned.existing}
        if self.as_json:
            self.print_json(shown)
        else:
            outcome = "exists already" if provisioned.existing else "has been created"
            self.stdout.write(f"{shown['id']} {outcome} ({shown['status']}).")

    def _rehearse(self, wanted: dict[str, Any]) -> None:
        found = provisioning.rehearse(**wanted)
        if self.as_json:
            self.print_json(
                {"id": found.organization.id, "existing": found.existing, "result": WOULD_BE_DONE}
            )
        else:
            outcome = "exists already" if found.existing else "would be created"
            self.stdout.write(f"{found.organization.id} {outcome}.")

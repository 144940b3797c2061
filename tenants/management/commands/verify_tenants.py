"""`manage.py verify_tenants [ID…]`."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand, Row
from tenants import organizations, resources
from tenants.errors import OrganizationNotFound
from tenants.models import Organization


class Command(OperatorCommand):
    help = "Check every part of tenants, of all when none is named. Example: manage.py verify_tenants acme"

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID")

    def run(self, *, actor: Actor, ids: list[str], **options: Any) -> None:
        actor.require("tenants.view_organization")
        ids = ids or list(Organization.objects.living().order_by("id").values_list("id", flat=True))
        rows: list[Row] = []
        for one in self.progress(ids, len(ids), "verify"):
            rows += self._findings(one)
        self.print_rows(rows, empty=f"{len(ids)} tenants are whole.")
        if rows:
            sys.exit(1)

    def _findings(self, organization_id: str) -> list[Row]:
        """A row for each finding; an unknown id is one, so that the others are checked all the same."""
        try:
            findings = resources.verify(organizations.living(organization_id))
        except OrganizationNotFound as refusal:
            findings = {"": [f"{refusal.code}: {refusal.detail}"]}
        return [
            {"id": organization_id, "resource": name, "finding": finding}
            for name, found in findings.items()
            for finding in found
        ]

"""`manage.py verify_tenants [ID…]`."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import organizations, resources
from tenants.models import Organization


class Command(OperatorCommand):
    help = "Check every part of tenants, of all when none is named. Example: manage.py verify_tenants acme"

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID")

    def run(self, *, actor: Actor, ids: list[str], **options: Any) -> None:
        actor.require("tenants.view_organization")
        ids = ids or list(Organization.objects.living().order_by("id").values_list("id", flat=True))
        rows = []
        for one in self.progress(ids, len(ids), "verify"):
            findings = resources.verify(organizations.living(one))
            rows += [
                {"id": one, "resource": name, "finding": finding}
                for name, found in findings.items()
                for finding in found
            ]
        self.print_rows(rows, empty=f"{len(ids)} tenants are whole.")
        if rows:
            sys.exit(1)

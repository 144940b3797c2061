"""`manage.py reap [--live [--yes]]`."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import reaper


class Command(OperatorCommand):
    help = (
        "Purge organizations that are past their retention. Without --live it only says which. "
        "Example: manage.py reap --live"
    )

    def arguments(self, parser: CommandParser) -> None:
        really = parser.add_mutually_exclusive_group()
        really.add_argument("--live", action="store_true", help="Really purge. This cannot be undone.")
        really.add_argument("--dry-run", action="store_true", help="Only say which, as without --live.")
        self.reason_option(parser)
        self.yes_option(parser)

    def run(self, *, actor: Actor, live: bool, yes: bool, reason: str, **options: Any) -> None:
        actor.require("tenants.view_organization")
        due = reaper.due()
        if not live:
            rows = [
                {"id": one.id, "result": "would be purged", "purge_after": one.purge_after} for one in due
            ]
            self.print_rows(rows, empty="Nothing is past its retention.")
            return
        if due:
            self.confirm(f"{len(due)} organizations are erased for ever.", typed=str(len(due)), yes=yes)
        rows = []
        for outcome in self.progress(reaper.reap(actor=actor, reason=reason), len(due), "reap"):
            result = outcome.refusal or "purged"
            rows.append({"id": outcome.organization_id, "result": result, "detail": outcome.detail})
        self.print_rows(rows, empty="Nothing is past its retention.")
        if any(row["result"] != "purged" for row in rows):
            sys.exit(1)

"""`manage.py reconcile [--most N] [--dry-run] [--reason R]`."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import provisioning


class Command(OperatorCommand):
    help = "Clear what crashed provisionings and purges left behind. Example: manage.py reconcile --json"

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--most",
            type=int,
            default=provisioning.MOST_LEFTOVERS,
            metavar="N",
            help="Clear nothing when there are more: the control database may be an old one (%(default)s).",
        )
        self.dry_run_option(parser)
        self.reason_option(parser)

    def run(self, *, actor: Actor, most: int, dry_run: bool, reason: str, **options: Any) -> None:
        if dry_run:
            found = provisioning.leftovers(actor=actor)
            rows = [{"result": "would be cleared", "what": what} for what in found]
            self.print_rows(rows, empty="Nothing was left behind.")
            return
        done = provisioning.reconcile(actor=actor, most=most, reason=reason)
        rows = [
            {"result": result, "what": what}
            for result, found in (("cleared", done.cleared), ("made", done.mended), ("kept", done.kept))
            for what in found
        ]
        self.print_rows(rows, empty="Nothing was left behind.")
        if done.kept:
            sys.exit(1)

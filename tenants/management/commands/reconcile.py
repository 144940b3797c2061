"""`manage.py reconcile`."""

from typing import Any

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import provisioning


class Command(OperatorCommand):
    help = "Clear what crashed provisionings and purges left behind. Example: manage.py reconcile --json"

    def run(self, *, actor: Actor, **options: Any) -> None:
        done = provisioning.reconcile(actor=actor)
        rows = [{"result": "cleared", "what": what} for what in done.cleared]
        rows += [{"result": "made", "what": what} for what in done.mended]
        self.print_rows(rows, empty="Nothing was left behind.")

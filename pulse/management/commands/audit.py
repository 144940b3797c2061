"""`manage.py audit verify|tail`."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from pulse import audit
from pulse.actors import Actor
from pulse.commands import OperatorCommand
from pulse.models import AuditEvent

COLUMNS = ("sequence", "at", "actor", "door", "verb", "organization", "reason", "request_id")


class Command(OperatorCommand):
    help = (
        "Prove the audit chain, or show its end. Example: manage.py audit tail --lines 50 --organization acme"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=("verify", "tail"))
        parser.add_argument(
            "--lines", type=int, default=20, metavar="N", help="tail: how many (default: 20)."
        )
        parser.add_argument("--organization", metavar="ID", help="tail: only this one's.")

    def run(self, *, actor: Actor, verb: str, lines: int, organization: str | None, **options: Any) -> None:
        actor.require("pulse.view_auditevent")
        if verb == "verify":
            self._verify()
            return
        events = AuditEvent.objects.order_by("-sequence")
        if organization is not None:
            events = events.filter(organization=organization)
        self.print_rows(list(events.values(*COLUMNS)[: max(lines, 0)])[::-1], empty="No events.")

    def _verify(self) -> None:
        broken = audit.verify()
        count = AuditEvent.objects.count()
        if self.as_json:
            first = broken and {"sequence": broken.sequence, "reason": broken.reason}
            self.print_json({"whole": broken is None, "events": count, "first_broken": first})
        elif broken is None:
            self.stdout.write(f"The chain of {count} events is whole.")
        else:
            self.stderr.write(f"Broken at event {broken.sequence}: {broken.reason}.")
        if broken is not None:
            sys.exit(1)

"""`manage.py hosted_mode status|kill|revive`."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from pulse import hosted_mode
from pulse.actors import Actor
from pulse.commands import OperatorCommand

VERBS = {"kill": hosted_mode.kill, "revive": hosted_mode.revive}


class Command(OperatorCommand):
    help = (
        "Show the gate, or shut and reopen it without a restart. "
        "Example: manage.py hosted_mode kill --reason 'leak'"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=("status", *VERBS))
        self.reason_option(parser)

    def run(self, *, actor: Actor, verb: str, reason: str, **options: Any) -> None:
        actor.require("pulse.view_killswitch")
        if verb in VERBS:
            VERBS[verb](actor=actor, reason=reason)
        state = hosted_mode.state()
        if self.as_json:
            self.print_json({"open": state.open, "reasons": state.reasons, "stage": settings.PULSE_STAGE})
        elif state.open:
            self.stdout.write(f"Hosted mode is open at stage {settings.PULSE_STAGE}.")
        else:
            self.stdout.write("Hosted mode is shut: " + "; ".join(state.reasons) + ".")

"""`manage.py freeze status|on|off`."""

from typing import Any

from django.core.management.base import CommandParser

from pulse import freeze, frozen
from pulse.actors import Actor
from pulse.commands import OperatorCommand

VERBS = {"on": freeze.begin, "off": freeze.lift}


class Command(OperatorCommand):
    help = (
        "Refuse operators' writes until it is lifted; incidents and the lifecycle go on. "
        "Example: manage.py freeze on --reason 'INC-12 cross-tenant leak'"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=("status", *VERBS))
        self.reason_option(parser, when="for on and off; shown while frozen")

    def run(self, *, actor: Actor, verb: str, reason: str, **options: Any) -> None:
        actor.require("pulse.view_freeze")
        if verb in VERBS:
            VERBS[verb](actor=actor, reason=reason)
        if self.as_json:
            self.print_json(frozen.described())
        elif frozen.is_frozen():
            self.stdout.write(frozen.refusal().detail)
        else:
            self.stdout.write("Operators' writes are not frozen.")

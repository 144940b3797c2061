"""`manage.py verdict compute|sign|revoke|list`."""

from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from pulse.settings import STAGES
from runbooks import readiness, verdicts
from runbooks.models import Outcome, Verdict

SHOWN = ("id", "stage", "outcome", "signed_at", "signed_by", "reason", "expires_at")


class Command(OperatorCommand):
    help = (
        "Compute whether a stage may be run, sign it, and take it back. "
        "Example: manage.py verdict sign --stage private_beta --reason 'all packets are approved'"
    )

    def arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        compute = verbs.add_parser("compute", help="What would be signed now, line by line.")
        compute.add_argument("--stage", choices=STAGES, help="PULSE_STAGE when absent.")
        sign = verbs.add_parser("sign", help="Sign what is computed now.")
        sign.add_argument("--stage", choices=STAGES, required=True, help="The one that may be run.")
        self.reason_option(sign, required=True)
        sign.add_argument(
            "--outcome",
            choices=Outcome.values,
            default="",
            help="Sign only this. A NO_GO has to be named, because it shuts the gate.",
        )
        revoke = verbs.add_parser("revoke", help="Shut the gate of a verdict's stage at the next request.")
        revoke.add_argument("verdict", type=int, metavar="NUMBER")
        self.reason_option(revoke, required=True)
        listing = verbs.add_parser("list", help="The latest verdicts, and what became of them.")
        listing.add_argument("--stage", choices=STAGES, help="Of this stage alone.")
        for one in verbs.choices.values():
            self.common(one)

    def run(self, *, actor: Actor, verb: str, **options: Any) -> None:
        getattr(self, "_" + verb)(actor, options)

    def _compute(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require(verdicts.VIEW)
        computed = readiness.compute(options["stage"] or readiness.default_stage())
        if self.as_json:
            self.print_json({
                "stage": computed.stage,
                "outcome": computed.outcome,
                "version": computed.code.version,
                "is_dirty": computed.code.is_dirty,
                "reasons": [line.as_json() for line in computed.lines],
            })  # fmt: skip
            return
        self.stdout.write(f"{computed.stage}: {computed.outcome}")
        for line in computed.lines:
            mark = "ok" if line.holds else "BLOCKS" if line.blocks else "open"
            self.stdout.write(f"  {mark:<6} {line} ({line.title})")

    def _sign(self, actor: Actor, options: dict[str, Any]) -> None:
        signed = verdicts.sign(
            options["stage"], actor=actor, reason=options["reason"], outcome=options["outcome"]
        )
        self.print_rows([_row(signed)])

    def _revoke(self, actor: Actor, options: dict[str, Any]) -> None:
        self.print_rows([_row(verdicts.revoke(options["verdict"], actor=actor, reason=options["reason"]))])

    def _list(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require(verdicts.VIEW)
        found = Verdict.objects.all()
        if options["stage"]:
            found = found.filter(stage=options["stage"])
        self.print_rows([_row(verdict) for verdict in found[:20]], empty="No verdict was ever signed.")


def _row(verdict: Verdict) -> dict[str, Any]:
    return {name: getattr(verdict, name) for name in SHOWN} | {"state": verdicts.state_of(verdict)}

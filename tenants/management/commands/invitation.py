"""`manage.py invitation make|list|revoke`: codes by which people sign up at the stage private_beta."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from pulse.actors import Actor
from pulse.commands import OperatorCommand, Row
from tenants import invitation_codes
from tenants.models import InvitationCode


class Command(OperatorCommand):
    help = "Invitation codes. Example: manage.py invitation make --uses 20 --note 'the first wave'"

    def arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        make = verbs.add_parser("make", help="Make a code and print it, this once.")
        make.add_argument("--email", default="", help="For this address alone; anyone when absent.")
        make.add_argument("--uses", type=int, default=1, metavar="N", help="Organizations (default: 1).")
        make.add_argument(
            "--days", type=int, default=invitation_codes.DEFAULT_DAYS, metavar="N", help="Until it expires."
        )
        make.add_argument("--note", default="", help="What it is for.")
        listing = verbs.add_parser("list", help="Every code, with how often it was used.")
        revoke = verbs.add_parser("revoke", help="Have nobody sign up by it any more.")
        revoke.add_argument("prefix", help="The code's beginning, as the list shows it.")
        for parser_of_change in (make, revoke):
            self.reason_option(parser_of_change)
        for parser_of_verb in (make, listing, revoke):
            self.common(parser_of_verb)

    def run(self, *, actor: Actor, verb: str, **options: Any) -> None:
        getattr(self, verb)(actor, **options)

    def make(
        self, actor: Actor, *, email: str, uses: int, days: int, note: str, reason: str, **options: Any
    ) -> None:
        code, text = invitation_codes.make(
            actor=actor, email=email, uses=uses, days=days, note=note, reason=reason
        )
        if self.as_json:
            self.print_json({"code": text, **_row(code)})
        else:
            self.stdout.write(text)

    def list(self, actor: Actor, **options: Any) -> None:
        actor.require("tenants.view_invitationcode")
        self.print_rows([_row(code) for code in InvitationCode.objects.all()], empty="No codes.")

    def revoke(self, actor: Actor, *, prefix: str, reason: str, **options: Any) -> None:
        actor.require(invitation_codes.REVOKE)
        code = invitation_codes.revoke(invitation_codes.named(prefix), actor=actor, reason=reason)
        self.print_rows([_row(code)])


def _row(code: InvitationCode) -> Row:
    return {
        "prefix": code.prefix,
        "for": code.email or "anyone",
        "used": code.used,
        "uses": code.uses,
        "expires_at": code.expires_at,
        "usable": not code.revoked_at and code.used < code.uses and code.expires_at > timezone.now(),
        "note": code.note,
    }

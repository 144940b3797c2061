"""`manage.py reset_admin ID (--reason TEXT | --token TOKEN --email EMAIL)`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from rbac import recovery


class Command(OperatorCommand):
    help = (
        "Break-glass, in two steps: with --reason, print a recovery token that is good for 15 minutes and "
        "one use; with --token and --email, make that member an admin. "
        "Example: manage.py reset_admin acme --reason 'their only admin has left'"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID")
        self.reason_option(parser, when="in the first step")
        parser.add_argument("--token", help="Second step: the recovery token.")
        parser.add_argument("--email", help="Second step: a member of the organization.")

    def run(
        self,
        *,
        actor: Actor,
        id: str,  # noqa: A002 - the option's name
        reason: str,
        token: str | None,
        email: str | None,
        **options: Any,
    ) -> None:
        if reason and not (token or email):
            issued = recovery.issue(id, actor=actor, reason=reason)
            shown = {"recovery_token": issued.text, "expires_at": issued.expires_at}
            self._show(shown, issued.text)
        elif token and email and not reason:
            user = recovery.redeem(id, token=token, email=email, actor=actor)
            self._show({"user": user.public_id, "roles": ["admin"]}, f"{email} is an admin of {id}.")
        else:
            raise CommandError("Give --reason, or --token and --email.", returncode=2)

    def _show(self, document: dict[str, Any], line: str) -> None:
        if self.as_json:
            self.print_json(document)
        else:
            self.stdout.write(line)

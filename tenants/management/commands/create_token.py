"""`manage.py create_token (--operator EMAIL | --organization ID --user EMAIL)`, with scopes and an expiry."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import organizations, tokens


class Command(OperatorCommand):
    help = (
        "Make an API token and print it, this once. "
        "Example: manage.py create_token --organization acme --user ann@example.com --scope read"
    )

    def arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--operator", metavar="EMAIL", help="A token for the operators' API.")
        whose.add_argument("--organization", metavar="ID", help="A token within this organization.")
        parser.add_argument("--user", metavar="EMAIL", help="The member, with --organization.")
        parser.add_argument(
            "--scope",
            action="append",
            choices=tokens.SCOPES,
            help="May be repeated (default: read, write, check).",
        )
        parser.add_argument("--expires-days", type=int, metavar="N", help="Whole days; never when absent.")
        self.reason_option(parser)

    def run(
        self,
        *,
        actor: Actor,
        operator: str | None,
        organization: str | None,
        user: str | None,
        scope: list[str] | None,
        expires_days: int | None,
        reason: str,
        **options: Any,
    ) -> None:
        scopes = scope or ["read", "write", "check"]
        if operator is not None:
            token, text = tokens.create_for_operator(
                tokens.person_named(operator, actor=actor),
                actor=actor,
                scopes=scopes,
                expires_days=expires_days,
                reason=reason,
            )
        else:
            if user is None:
                raise CommandError("--organization needs --user EMAIL.", returncode=2)
            token, text = tokens.create_for_member(
                tokens.person_named(user, actor=actor),
                organizations.living(organization or ""),
                actor=actor,
                scopes=scopes,
                expires_days=expires_days,
                reason=reason,
            )
        if self.as_json:
            self.print_json({"token": text, "scopes": token.scopes, "expires_at": token.expires_at})
        else:
            self.stdout.write(text)

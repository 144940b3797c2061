"""`manage.py soft_delete ID… [--retention-days N] [--reason TEXT] [--dry-run] [--yes]`."""

from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import lifecycle


class Command(OperatorCommand):
    help = (
        "Refuse organizations' people and have the reaper purge them after their retention. "
        "Example: manage.py soft_delete acme --retention-days 30"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="+", metavar="ID")
        parser.add_argument(
            "--retention-days",
            type=int,
            default=lifecycle.DEFAULT_RETENTION_DAYS,
            metavar="N",
            help=f"Whole days, 1 to {lifecycle.LONGEST_RETENTION_DAYS} (default: %(default)s).",
        )
        self.reason_option(parser)
        self.dry_run_option(parser)
        self.yes_option(parser)

    def run(
        self,
        *,
        actor: Actor,
        ids: list[str],
        retention_days: int,
        reason: str,
        dry_run: bool,
        yes: bool,
        **options: Any,
    ) -> None:
        def act(one: str) -> dict[str, Any]:
            organization = lifecycle.soft_delete(
                one, actor=actor, retention_days=retention_days, reason=reason
            )
            return {"status": organization.status, "purge_after": organization.purge_after}

        if not dry_run:
            named = ids[0] if len(ids) == 1 else str(len(ids))
            asked = f"{', '.join(ids)}: all data is erased after {retention_days} days."
            self.confirm(asked, typed=named, yes=yes)
        self.for_each(ids, act, description="soft_delete", dry_run=dry_run)

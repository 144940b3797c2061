"""`manage.py backup_tenants [ID…] [--list] [--prune-days N]`."""

import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from rbac import backups
from tenants import organizations
from tenants.models import Organization


class Command(OperatorCommand):
    help = (
        "Back up tenants' databases while they are in use, all when none is named. "
        "Example: manage.py backup_tenants acme --reason 'before the upgrade'"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID")
        parser.add_argument("--list", action="store_true", help="Show the backups there are instead.")
        self.reason_option(parser)
        parser.add_argument(
            "--prune-days", type=int, metavar="N", help="Afterwards delete older backups of these."
        )

    def run(
        self,
        *,
        actor: Actor,
        ids: list[str],
        list: bool,  # noqa: A002 - the option's name
        reason: str,
        prune_days: int | None,
        **options: Any,
    ) -> None:
        if prune_days is not None and prune_days < 1:
            raise CommandError("--prune-days is a whole number of days from 1.", returncode=2)
        actor.require("tenants.care_for_databases")
        living = Organization.objects.living().order_by("id").values_list("id", flat=True)
        named = [organizations.living(one).id for one in ids] or [*living]
        if list:
            self._list(named)
            return
        outcomes = backups.make_all(named, actor=actor, reason=reason)
        rows = [
            {
                "id": one.organization_id,
                "result": one.error or "done",
                "backup": one.backup and one.backup.name,
            }
            for one in self.progress(outcomes, len(named), "back up")
        ]
        if prune_days is not None:
            backups.prune(named if ids else None, keep_days=prune_days, now=timezone.now())
        self._summarize(rows)

    def _list(self, named: "Sequence[str]") -> None:
        rows = [
            {"id": one, "backup": backup.name, "size": backup.size, "reason": backup.reason}
            for one in named
            for backup in backups.of_organization(one)
        ]
        self.print_rows(rows, empty="There are no backups.")

    def _summarize(self, rows: "Sequence[dict[str, Any]]") -> None:
        failed = [row for row in rows if row["result"] != "done"]
        if self.as_json:
            self.print_json(rows)
        else:
            self.stdout.write(f"{len(rows) - len(failed)} backed up, {len(failed)} failed.")
            if failed:
                self.print_rows(failed)
        if failed:
            sys.exit(1)

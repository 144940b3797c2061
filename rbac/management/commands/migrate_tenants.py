"""`manage.py migrate_tenants [--plan] [--only ID…] [--workers N] [--reason R]`."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from rbac import fleet, schema
from tenants import organizations
from tenants.models import Organization


class Command(OperatorCommand):
    help = (
        "Bring tenants' databases to the current schema, in parallel; a rerun resumes. "
        "Example: manage.py migrate_tenants --plan"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--plan",
            "--dry-run",
            action="store_true",
            help="Say who is behind and which SQL would run, and do nothing.",
        )
        parser.add_argument("--only", nargs="+", metavar="ID", help="These tenants alone.")
        parser.add_argument("--workers", type=int, default=0, metavar="N", help="Processes (all processors).")
        self.reason_option(parser)

    def run(
        self,
        *,
        actor: Actor,
        plan: bool,
        only: list[str] | None,
        workers: int,
        reason: str,
        **options: Any,
    ) -> None:
        if workers < 0:
            raise CommandError("--workers is a whole number from 0.", returncode=2)
        actor.require("tenants.care_for_databases")
        behind = fleet.behind()
        if only:
            named = [organizations.living(one).id for one in only]
            behind = Organization.objects.filter(id__in=named).order_by("id")
        if plan:
            self._show_plan(list(behind.values_list("id", "schema_version")))
            return
        ids = list(behind.values_list("id", flat=True))
        outcomes = fleet.migrate(ids, actor=actor, workers=workers, reason=reason)
        rows = [
            {"id": outcome.organization_id, "result": "failed" if outcome.error else "done",
             "detail": outcome.error}
            for outcome in self.progress(outcomes, len(ids), "migrate")
        ]  # fmt: skip
        self._summarize(rows)

    def _show_plan(self, behind: list[tuple[str, int]]) -> None:
        oldest = min((version for _, version in behind), default=schema.current())
        steps = [step for step in fleet.plan() if step.version > oldest] if behind else []
        if self.as_json:
            self.print_json(
                {
                    "schema_version": schema.current(),
                    "behind": [{"id": one, "schema_version": version} for one, version in behind],
                    "steps": [{"migration": step.migration, "sql": step.statements} for step in steps],
                }
            )
            return
        self.stdout.write(f"{len(behind)} tenants are behind schema {schema.current()}.")
        for step in steps:
            self.stdout.write("\n".join((f"{step.migration}:", *step.statements)))

    def _summarize(self, rows: list[dict[str, Any]]) -> None:
        failed = [row for row in rows if row["result"] == "failed"]
        if self.as_json:
            self.print_json(rows)
        else:
            self.stdout.write(f"{len(rows) - len(failed)} done, {len(failed)} failed.")
            if failed:
                self.print_rows(failed)
        if failed:
            sys.exit(1)

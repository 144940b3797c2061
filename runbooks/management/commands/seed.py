"""`manage.py seed`."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from runbooks import seeding


class Command(OperatorCommand):
    help = (
        "Fill an empty installation at stage development with a believable world, the same for the same "
        "random seed. Example: manage.py seed --organizations 1000 --events 20000 --random-seed 7"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organizations", type=int, default=200, help="How many; 200 when absent.")
        parser.add_argument(
            "--events", type=int, default=5000, help="Audit events, at least; 5000 when absent."
        )
        parser.add_argument("--random-seed", type=int, default=1, help="Another makes another world.")
        parser.add_argument(
            "--without-databases",
            action="store_true",
            help="Make no RBAC files, each of which takes about 64 KB and a millisecond.",
        )

    def run(
        self,
        *,
        actor: Actor,
        organizations: int,
        events: int,
        random_seed: int,
        without_databases: bool,
        **options: Any,
    ) -> None:
        seeded = seeding.seed(
            organizations=organizations,
            events=events,
            random_seed=random_seed,
            databases=not without_databases,
            actor=actor,
            progress=self.progress,
        )
        if self.as_json:
            self.print_json(asdict(seeded))
        else:
            self.stdout.write(
                f"Seeded {seeded.organizations} organizations with {seeded.people} people and "
                f"{seeded.databases} databases, and {seeded.audit_events} audit events."
            )

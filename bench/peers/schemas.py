"""django-tenants on PostgreSQL: a new tenant's schema with Pulse's five tables, and `migrate_schemas`.

`create` is what `Customer.objects.create` does: the row, the schema, its migration. `migrate` is the command
over 30 schemas that have nothing to do, by its standard executor; what one schema costs is told.
"""

import itertools
import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.tenants_settings"
django.setup()

from django.core.management import call_command  # noqa: E402

from bench import measure  # noqa: E402
from bench.peers import serve  # noqa: E402
from bench.peers.customers.models import Customer  # noqa: E402

SCHEMAS = 30

numbers = itertools.count()


def create() -> None:
    Customer(schema_name=f"tenant_{next(numbers)}").save(verbosity=0)


class Migrate:
    """The command, timed for each of the schemas that there are."""

    def __init__(self) -> None:
        self.schemas = SCHEMAS
        for _ in range(self.schemas):
            create()

    def microseconds(self, calls: int) -> float:
        return measure.time(migrate, calls) / self.schemas


def migrate() -> None:
    call_command("migrate_schemas", tenant=True, verbosity=0)


def main() -> None:
    call_command("migrate_schemas", shared=True, run_syncdb=True, verbosity=0)
    serve({"create": create, "migrate": Migrate()})


if __name__ == "__main__":
    main()

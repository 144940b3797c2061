"""A new tenant's database to a bare file clone, to migrations and to a new schema of django-tenants on
PostgreSQL; and a whole provisioning to its limit.

All have the same tables. Ours also has the built-in roles in it and the owner as admin.
"""

import itertools
import os
import shutil
from pathlib import Path
from uuid import uuid4

from django.core.management import call_command

from bench import ground, peers, postgres
from bench.measure import alternately, median, p95_milliseconds
from bench.results import Result, run
from rbac import databases, template

LIMIT_MILLISECONDS = 20

numbers = itertools.count()


def measure() -> list[Result]:
    ground.migrate()
    made, cloned = alternately(ours, clone, rounds=200, title="a new tenant database")
    few_made, migrated = alternately(ours, migrate, rounds=15, title="a tenant database by migrations")
    by_schema = beside_schemas()
    provisioned, _ = alternately(provision, clone, rounds=300, title="a whole provisioning")
    return [
        Result("new tenant database, to a file clone", median(made), median(cloned), "µs", 3.0),
        Result("new tenant database, to migrate", median(few_made), median(migrated), "µs"),
        *by_schema,
        Result(
            "whole provisioning, p95, to its limit",
            p95_milliseconds(provisioned),
            LIMIT_MILLISECONDS,
            "ms",
            1.0,
        ),
    ]


def ours() -> None:
    template.create(f"new-{next(numbers)}", admin=str(uuid4()))


def beside_schemas() -> list[Result]:
    with postgres.database("a new schema of django-tenants") as url:
        if url is None or not peers.can_run("django-tenants"):
            return []
        with peers.Peer("schemas", BENCH_TENANTS_URL=url) as peer:
            made, schemas = alternately(
                ours, peer.contender("create"), rounds=15, title="a tenant database as a schema"
            )
    return [Result("new tenant database, to a schema of django-tenants", median(made), median(schemas), "µs")]


def clone() -> None:
    """What any copy costs that is whole after a power cut: copied aside, fsynced, renamed into place."""
    folder = databases.folder()
    aside = folder / f"aside-{next(numbers)}"
    shutil.copyfile(template.ensure(), aside)
    _sync(aside)
    aside.rename(folder / f"clone-{next(numbers)}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def migrate() -> None:
    organization_id = f"migrated-{next(numbers)}"
    file = databases.file_of(organization_id)
    file.parent.mkdir()
    file.touch()
    call_command("migrate", database=databases.alias_of(organization_id), app_label="rbac", verbosity=0)
    databases.close(organization_id)


def provision() -> None:
    ground.organization(f"tenant-{next(numbers)}")


if __name__ == "__main__":
    run(measure)

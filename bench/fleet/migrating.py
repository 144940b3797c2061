"""Fleet migrations of ten thousand tenants: nothing to do, and one ALTER TABLE for each.

Ours is the command `migrate_tenants` as an operator runs it, without the start of Django, which all have
alike. Nothing to do: to Django's `migrate --database`, sampled on 100 tenants, and to django-tenants'
`migrate_schemas` on PostgreSQL, sampled on 30 schemas. The ALTER: four rounds of 2,000 tenants that are
behind, to raw sqlite3 on as many files by a pool of two processes as ours, and to `migrate --database`,
sampled on 100. What each tenant costs is compared.
"""

import itertools
import os
import shutil
import sys
from functools import partial
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db.models import F
from rich.console import Console
from rich.progress import track

from bench import ground, peers, postgres
from bench.fleet import TENANTS, altering
from bench.measure import SelfTimed, Work, alternately, median, time
from bench.results import Result
from rbac import databases, fleet, migrations, schema
from tenants.models import Organization

LIMIT_SECONDS = 2
SAMPLE = 100
ROUNDS, BEHIND = 4, 2000
LATER = "bench_later_migrations"
MIGRATION = f'''
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("rbac", "{schema.names()[-1]}")]
    operations = [
        migrations.AddField("role", "colour", models.CharField(max_length=7, null=True)),
    ]
'''


def measure() -> list[Result]:
    # Also the default organization, whose file only a first start makes.
    Organization.objects.update(schema_version=schema.current())
    with postgres.database("migrate_schemas") as url:
        if url is not None and peers.can_run("django-tenants"):
            with peers.Peer("schemas", BENCH_TENANTS_URL=url) as peer:
                idle = nothing_to_do(peer.contender("migrate"))
        else:
            idle = nothing_to_do()
    come_later()
    return [*idle, *one_alter()]


def migrate_tenants() -> None:
    call_command("migrate_tenants", workers=2, stdout=StringIO(), stderr=StringIO())


def migrate_by_django(names: "itertools.cycle[str] | itertools.chain[str]") -> None:
    name = next(names)
    call_command("migrate", database=databases.alias_of(name), app_label="rbac", verbosity=0)
    databases.close(name)


def nothing_to_do(*schemas: SelfTimed) -> list[Result]:
    if fleet.behind().exists():
        raise AssertionError("tenants are behind")
    sample = itertools.cycle([f"tenant-{number}" for number in range(1, SAMPLE + 1)])
    command, by_django, *by_schema = alternately(
        migrate_tenants,
        partial(migrate_by_django, sample),
        *schemas,
        rounds=8,
        title="a fleet with nothing to migrate",
    )
    name = f"a fleet of {TENANTS:,} with nothing to migrate"
    a_tenant = median(command) / TENANTS
    rows = [
        Result(f"{name}, to its limit", median(command) / 1e6, LIMIT_SECONDS, "s", 1.0),
        Result(f"{name}, a tenant, to migrate --database", a_tenant, median(by_django), "µs"),
    ]
    return rows + [
        Result(f"{name}, a tenant, to django-tenants' migrate_schemas", a_tenant, median(taken), "µs")
        for taken in by_schema
    ]


def come_later() -> None:
    """From here on this process is of a later version of Pulse, with one migration more."""
    package = ground.DATA / LATER
    shutil.copytree(Path(str(migrations.__file__)).parent, package)
    (package / f"{len(schema.names()) + 1:04d}_colour.py").write_text(MIGRATION)
    sys.path.insert(0, str(ground.DATA))
    settings.MIGRATION_MODULES = {"rbac": LATER}


def one_alter() -> list[Result]:
    """Whoever is not of a round counts as migrated, so that each command finds only the round's behind."""
    Organization.objects.update(schema_version=schema.current())
    theirs = itertools.chain(f"sample-{number}" for number in range(SAMPLE + 10))
    for number in range(SAMPLE + 10):
        ground.copy_of_pattern(f"sample-{number}")
    ours: list[float] = []
    raw: list[float] = []
    for number in track(range(ROUNDS), "one ALTER", console=Console(stderr=True), transient=True):
        names = [f"tenant-{number * BEHIND + index}" for index in range(1, BEHIND + 1)]
        files = [str(ground.copy_of_pattern(f"raw-{name}")) for name in names]
        Organization.objects.filter(id__in=names).update(schema_version=F("schema_version") - 1)
        contenders: list[tuple[list[float], Work]] = [
            (ours, migrate_tenants),
            (raw, partial(altering.in_two_processes, files)),
        ]
        for taken, work in contenders if number % 2 else reversed(contenders):
            os.sync()  # No fsync has to wait for what another has written.
            taken.append(time(work, 1))
        if fleet.behind().exists():
            raise AssertionError("tenants are still behind")
    [by_django] = alternately(partial(migrate_by_django, theirs), rounds=SAMPLE, title="by migrate")
    name = "one ALTER in a fleet by two processes, a tenant"
    a_tenant = median(ours) / BEHIND
    return [
        Result(f"{name}, to raw sqlite3", a_tenant, median(raw) / BEHIND, "µs", 2.0),
        Result(f"{name}, to migrate --database", a_tenant, median(by_django), "µs"),
    ]

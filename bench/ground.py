"""The ground of every bench: imported first, it sets Django up on a data directory of the bench's own.

The settings are the product's. Only the place of the data, the gate, the rate and the log level are set
here, and the directory is removed when the process ends. `TMPDIR` chooses the disk. The control data are on
PostgreSQL where `PULSE_BENCH_DATABASE_URL` says so.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Names the control database where the data directory's own is not meant.
DATABASE_URL = "PULSE_BENCH_DATABASE_URL"
DATA = Path(tempfile.mkdtemp(prefix="pulse-bench-"))
atexit.register(shutil.rmtree, DATA, ignore_errors=True)

os.environ.update(
    DJANGO_SETTINGS_MODULE="pulse.settings",
    PULSE_DATA_DIR=str(DATA),
    PULSE_STAGE="development",
    PULSE_HOSTED_MODE="true",
    PULSE_DEBUG="false",
    PULSE_LOG_LEVEL="WARNING",
    # No request of a bench is refused for its rate, and each one is counted.
    PULSE_TENANT_RATE="1000000000/minute",
    DATABASE_URL=os.environ.get(DATABASE_URL) or f"sqlite:///{DATA / 'pulse.db'}",
    REDIS_URL="",
    EMAIL_URL="memorymail://",
)

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import AutoField, Model  # noqa: E402

from pulse.actors import from_job  # noqa: E402
from rbac import assignments, databases, template  # noqa: E402
from tenants import context, provisioning  # noqa: E402
from tenants.models import Organization  # noqa: E402

ACTOR = from_job("bench")


def migrate() -> None:
    """The control database as a first start leaves it, and the tenants' template."""
    call_command("migrate", verbosity=0)
    template.ensure()


def organization(organization_id: str) -> Organization:
    """A provisioned organization; its owner is `owner@<id>.example`."""
    return provisioning.provision(
        email=f"owner@{organization_id}.example",
        name=organization_id,
        organization_id=organization_id,
        actor=ACTOR,
    ).organization


def fleet(count: int, *, member: str) -> None:
    """`count` organizations `tenant-<n>`, n from 1, each with a file where `member` is an operator."""
    fill(count, with_owners=False)
    with context.organization("pattern"):
        assignments.assign(member, roles=["operator"], actor=ACTOR)
    databases.close_all()
    for number in range(1, count + 1):
        copy_of_pattern(f"tenant-{number}")
    os.sync()


def copy_of_pattern(name: str) -> Path:
    """A tenant's file under this name, as the pattern's is. Nobody may have that one open."""
    file = databases.file_of(name)
    file.parent.mkdir()
    shutil.copyfile(databases.file_of("pattern"), file)
    return file


def fill(count: int, *, with_owners: bool = True) -> None:
    """Add `count` organizations `tenant-<n>` to the control database, without their RBAC files.

    They are copies of one that was provisioned, made by a statement for each table. Of each hundred one is
    pending deletion, due long after the bench.
    """
    pattern = organization("pattern")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
    _multiply(
        pattern,
        count,
        id="'tenant-' || n",
        signup_email=OWNER,
        created_at="datetime('2025-01-01', n || ' seconds')",
        status="CASE WHEN n % 100 THEN 'active' ELSE 'pending_deletion' END",
        purge_after="CASE WHEN n % 100 THEN NULL ELSE datetime('2099-01-01', n || ' seconds') END",
    )
    if with_owners:
        membership = pattern.memberships.get()
        _multiply(membership.user, count, email=OWNER, public_id="lower(hex(randomblob(16)))")
        _multiply(
            membership,
            count,
            organization_id="'tenant-' || n",
            user_id=f"(SELECT id FROM tenants_user WHERE email = {OWNER})",
        )
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()  # No fsync of a contender has to wait for what was written here.


OWNER = "'owner@tenant-' || n || '.example'"


def _multiply(pattern: Model, count: int, **changed: str) -> None:
    """Copy the row `count` times; `changed` columns get an SQL expression of the copy's number `n`."""
    meta = pattern._meta
    columns = [str(field.column) for field in meta.concrete_fields if not isinstance(field, AutoField)]
    copied = ", ".join(changed.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
            INSERT INTO {meta.db_table} ({", ".join(columns)})
            SELECT {copied} FROM {meta.db_table}, numbers WHERE {meta.pk.column} = '{pattern.pk}'
            """
        )

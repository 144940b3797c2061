"""The ground of every bench: imported first, it sets Django up on a data directory of the bench's own.

The settings are the product's. Only the place of the data, the gate, the rate and the log level are set
here, and the directory is removed when the process ends. `TMPDIR` chooses the disk.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

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
    DATABASE_URL=f"sqlite:///{DATA / 'pulse.db'}",
    REDIS_URL="",
    EMAIL_URL="memorymail://",
)

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from pulse.actors import from_job  # noqa: E402
from rbac import template  # noqa: E402
from tenants import provisioning  # noqa: E402
from tenants.models import Organization  # noqa: E402

ACTOR = from_job("bench")


def migrate() -> None:
    """The control database as a first start leaves it, and the tenants' template."""
    call_command("migrate", verbosity=0)
    template.ensure()


def settle() -> None:
    """Let the disk finish what the preparation has written, so that no fsync of a contender waits for it."""
    os.sync()


def organization(organization_id: str) -> Organization:
    """A provisioned organization; its owner is `owner@<id>.example`."""
    return provisioning.provision(
        email=f"owner@{organization_id}.example",
        name=organization_id,
        organization_id=organization_id,
        actor=ACTOR,
    ).organization


def fill(count: int, *, with_owners: bool = True) -> None:
    """Add `count` organizations `tenant-<n>` to the control database, without their RBAC files.

    They are rows such as provisioning writes, made by a statement for each table. Of each hundred one is
    pending deletion, due long after the bench.
    """
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute(ORGANIZATIONS, {"count": count})
        if with_owners:
            cursor.execute(OWNERS, {"count": count})
            cursor.execute(MEMBERSHIPS)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %(count)s)"
ORGANIZATIONS = f"""
    {NUMBERS}
    INSERT INTO tenants_organization (
        id, display_name, status, status_changed_at, status_before_deletion, suspend_reason,
        retention_days, purge_after, signup_email, created_at, subscription_state, tenant_rate
    )
    SELECT 'tenant-' || n, 'Tenant ' || n,
        CASE WHEN n %% 100 THEN 'active' ELSE 'pending_deletion' END,
        '2025-01-01 00:00:00', CASE WHEN n %% 100 THEN '' ELSE 'active' END, '',
        CASE WHEN n %% 100 THEN NULL ELSE 3650 END,
        CASE WHEN n %% 100 THEN NULL ELSE datetime('2099-01-01', n || ' seconds') END,
        'owner@tenant-' || n || '.example', datetime('2025-01-01', n || ' seconds'), 'active', ''
    FROM numbers
"""
OWNERS = f"""
    {NUMBERS}
    INSERT INTO tenants_user
        (password, is_superuser, public_id, email, name, is_active, is_staff, date_joined)
    SELECT '!', 0, lower(hex(randomblob(16))), 'owner@tenant-' || n || '.example', '', 1, 0,
        '2025-01-01 00:00:00'
    FROM numbers
"""
MEMBERSHIPS = """
    INSERT INTO tenants_membership (user_id, organization_id, is_owner, joined_at)
    SELECT u.id, o.id, 1, o.created_at
    FROM tenants_organization o JOIN tenants_user u ON u.email = o.signup_email
    WHERE o.id LIKE 'tenant-%%'
"""

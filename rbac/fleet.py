"""Fleet migrations: every tenant's database to the current schema, in parallel, resumable.

Which tenants are behind is one query. The SQL is made once, by Django, and runs in a pool of processes; a
rerun finds the files that a cut-off run has brought forward and only records them.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context

from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.models import QuerySet

from pulse import audit, faults, frozen
from pulse.actors import Actor
from rbac import databases, errors, schema
from rbac.upgrade import Outcome, Step, end_with_parent, upgrade_all
from tenants import organizations
from tenants.models import Organization

# Tenants that one process takes at a time: few enough for progress to be seen, many enough to be quick.
MIGRATE = "databases.migrate"
MIGRATE_ONE = "database.migrate"
BATCH = 50
# What Django's collector writes for an operation in Python, which has no SQL.
NOT_SQL = "-- THIS OPERATION CANNOT BE WRITTEN AS SQL"


def behind() -> QuerySet[Organization]:
    """The living organizations whose recorded schema is older than the code's: a range of an index."""
    return Organization.objects.living().filter(schema_version__lt=schema.current()).order_by("id")


def plan() -> list[Step]:
    """The SQL of every schema version from 2 on.

    Raises `MigrationNotSql` when a migration has an operation in Python: tenants' migrations are SQL.
    """
    name = f".plan-{os.getpid()}-{os.urandom(4).hex()}"
    alias = databases.alias_of(name)
    databases.file_of(name).parent.mkdir(parents=True)
    try:
        connection = connections[alias]
        loader = MigrationLoader(connection)
        return [
            Step(version, migration, _statements(loader, migration))
            for version, migration in enumerate(schema.names(), start=1)
            if version > 1
        ]
    finally:
        connections[alias].close()
        del connections[alias]
        shutil.rmtree(databases.file_of(name).parent)


def _statements(loader: MigrationLoader, migration: str) -> tuple[str, ...]:
    key = (schema.APP, migration)
    collected = loader.collect_sql([(loader.graph.nodes[key], False)])
    if NOT_SQL in collected:
        raise errors.MigrationNotSql(f"The migration {migration} has an operation in Python.")
    return tuple(statement for statement in collected if not statement.startswith("--"))


def migrate(
    organizations: Sequence[str], *, actor: Actor, workers: int = 0, reason: str = ""
) -> Iterator[Outcome]:
    """Bring these organizations' files to the current schema; an outcome for each as it comes.

    `workers` processes (0: one for each processor). A tenant that fails is left as it was, and the others
    go on. Whoever is behind answers 503 `tenant_migrating` until done.
    """
    actor.require("tenants.care_for_databases")
    frozen.require_thawed(MIGRATE, actor=actor)
    audit.checked_reason(reason)
    steps = plan()
    files = {one: str(databases.file_of(one)) for one in organizations}
    done, failed = 0, []
    try:
        for batch in _upgraded(files, steps, workers or os.cpu_count() or 1):
            faults.reach("fleet.upgraded")
            succeeded = [outcome.organization_id for outcome in batch if outcome.error is None]
            Organization.objects.filter(id__in=succeeded).update(schema_version=schema.current())
            done += len(succeeded)
            failed += [outcome.organization_id for outcome in batch if outcome.error is not None]
            yield from batch
    finally:
        # Also when whoever asked for it has stopped half-way: what was done was done.
        if organizations:
            after = {"schema_version": schema.current(), "done": done, "failed": sorted(failed)}
            audit.record(MIGRATE, actor=actor, after=after, reason=reason)


def migrate_one(organization_id: str, *, actor: Actor) -> bool:
    """Bring one organization's file to the current schema, in this process; false when it was there already.

    Raises `MigrationFailed`; then the file is as it was.
    """
    actor.require("tenants.care_for_databases")
    frozen.require_thawed(MIGRATE_ONE, actor=actor)
    organization = organizations.living(organization_id)
    if organization.schema_version >= schema.current():
        return False
    file = str(databases.file_of(organization_id))
    (outcome,) = upgrade_all({organization_id: file}, _steps(), settings.PULSE_RBAC_BUSY_SECONDS)
    if outcome.error:
        raise errors.MigrationFailed(outcome.error)
    Organization.objects.filter(pk=organization_id).update(schema_version=schema.current())
    after = {"schema_version": schema.current()}
    audit.record(MIGRATE_ONE, actor=actor, organization=organization_id, after=after)
    return True


@cache
def _steps() -> list[Step]:
    """The plan, made once in a process: the code's migrations do not change under it."""
    return plan()


def _upgraded(files: dict[str, str], steps: list[Step], workers: int) -> Iterator[list[Outcome]]:
    """The outcomes, a batch at a time, in the order in which the batches end."""
    pairs = list(files.items())
    batches = [dict(pairs[start : start + BATCH]) for start in range(0, len(pairs), BATCH)]
    busy_seconds = settings.PULSE_RBAC_BUSY_SECONDS
    # Spawned, because a fork would share this process' open databases.
    with ProcessPoolExecutor(workers, get_context("spawn"), end_with_parent) as pool:
        running = {pool.submit(upgrade_all, batch, steps, busy_seconds): batch for batch in batches}
        try:
            for finished in as_completed(running):
                yield _outcomes(finished, running[finished])
        finally:
            pool.shutdown(cancel_futures=True)


def _outcomes(finished: "Future[list[Outcome]]", batch: dict[str, str]) -> list[Outcome]:
    """Those of a batch; when its process was killed, a rerun will find how far each had come."""
    try:
        return finished.result()
    except BrokenProcessPool:
        return [Outcome(organization_id, "its process was killed") for organization_id in batch]

"""Restoring a tenant's database from a backup, and rehearsing that.

The backup is prepared aside and then written over the live database by SQLite's backup API, in one
transaction: writers wait their turn, a crash leaves the old or the new content, and every open connection
in every process reads the new one next. Only a file that cannot be opened any more is replaced by a rename.
"""

import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import structlog
from django.utils import timezone

from pulse import audit, faults, frozen
from pulse.actors import Actor
from rbac import backups, databases, errors, integrity, metrics, schema
from rbac.backups import Backup
from rbac.failures import is_lock
from rbac.template import sync
from tenants import organizations
from tenants.models import Organization

log = structlog.get_logger(__name__)

RESTORE = "database.restore"
DAMAGED = "damaged.db"
PREPARING = ".restoring-"


def restore(organization_id: str, name: str, *, actor: Actor, reason: str = "") -> Backup:
    """Put the tenant's database back to a backup, after a backup of what is there, if that can be read.

    Raises `OrganizationNotFound`, `BackupNotFound`, `BackupMismatch` (another organization, schema or
    content than the manifest says), `TenantBusy` when a writer does not let go, and `RestoreFailed`.
    """
    audit.checked_reason(reason)
    organization, backup = restorable(organization_id, name, actor=actor)
    is_sound = _is_sound(databases.file_of(organization.id))
    if is_sound:
        _keep(organization.id, actor, reason=f"before the restore of {name}")
    audit.record(RESTORE, actor=actor, organization=organization.id, after={"backup": name}, reason=reason)
    with _failing_as_restore():
        _put_in_place(backup, organization.id, actor, is_sound=is_sound)
    Organization.objects.filter(pk=organization.pk).update(schema_version=backup.schema_version)
    return backup


def restorable(organization_id: str, name: str, *, actor: Actor) -> tuple[Organization, Backup]:
    """What `restore` would put back, and where; raises what it refuses before it begins."""
    actor.require("tenants.care_for_databases")
    frozen.require_thawed(RESTORE, actor=actor)
    organization = organizations.living(organization_id)
    backup = backups.find(organization.id, name)
    check(backup)
    return organization, backup


@contextmanager
def _failing_as_restore() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise errors.RestoreFailed(f"The backup could not be restored: {error}.") from error


def check(backup: Backup) -> None:
    """Raise `BackupMismatch` unless the backup is of this schema and unchanged."""
    if backup.schema_version != schema.current():
        raise errors.BackupMismatch(
            f"The backup has schema {backup.schema_version}, and this version of Pulse {schema.current()}."
        )
    try:
        is_unchanged = backups.sha256(backup.file) == backup.sha256
    except OSError as error:
        raise errors.BackupMismatch(f"The backup cannot be read: {error.strerror}.") from error
    if not is_unchanged:
        raise errors.BackupMismatch("The backup's content does not match its SHA-256.")
    if findings := integrity.inspect_file(backup.file):
        raise errors.BackupMismatch(f"The backup is damaged: {findings[0]}.")


def _is_sound(live: Path) -> bool:
    """Whether SQLite can read all of the file and finds a tenant's tables. Raises `TenantBusy`."""
    try:
        with closing(backups.connect(live)) as raw:
            raw.execute("SELECT 1 FROM rbac_role LIMIT 1")
            return raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.Error as error:
        if is_lock(error):
            raise errors.TenantBusy(headers={"Retry-After": "1"}) from error
        return False


def _keep(organization_id: str, actor: Actor, *, reason: str) -> None:
    """A backup of what is there; a mere copy beside it where a backup would not be whole."""
    try:
        backups.make(organization_id, actor=actor, reason=reason)
    except errors.BackupFailed:
        damaged = databases.file_of(organization_id).with_name(DAMAGED)
        damaged.unlink(missing_ok=True)
        with _failing_as_restore():
            backups.copy_live(organization_id, damaged)


def _put_in_place(backup: Backup, organization_id: str, actor: Actor, *, is_sound: bool) -> None:
    live = databases.file_of(organization_id)
    live.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(live.parent)
    with tempfile.TemporaryDirectory(prefix=PREPARING, dir=live.parent) as folder:
        prepared = Path(folder) / live.name
        _prepare(backup, prepared, actor)
        faults.reach("restore.prepared")
        if is_sound:
            with closing(sqlite3.connect(prepared)) as source, closing(backups.connect(live)) as target:
                backups.overwrite(target, source)
        else:
            _replace(live, prepared)
        faults.reach("restore.placed")


def _clear_leftovers(parent: Path) -> None:
    """Remove what restores that were killed more than an hour ago had prepared."""
    for leftover in parent.glob(f"{PREPARING}*"):
        if time.time() - leftover.stat().st_mtime > 3600:
            shutil.rmtree(leftover, ignore_errors=True)


def _prepare(backup: Backup, into: Path, actor: Actor) -> None:
    """A copy of the backup whose changelog ends with its restore."""
    kept = sqlite3.connect(databases.uri_of(backup.file, "immutable=1"), uri=True)
    with closing(kept), closing(sqlite3.connect(into)) as prepared:
        kept.backup(prepared)
        prepared.execute(
            "INSERT INTO rbac_change (at, actor, verb, subject, before, after)"
            " VALUES (?, ?, 'database.restore', ?, NULL, NULL)",
            (timezone.now().replace(tzinfo=None).isoformat(" "), actor.name, backup.name),
        )
        prepared.commit()
        prepared.execute("PRAGMA journal_mode = WAL")
    sync(into)


def _replace(live: Path, prepared: Path) -> None:
    """Keep the damaged file beside the new one, without its WAL, which would be read into the new one."""
    with suppress(FileNotFoundError):
        live.rename(live.with_name(DAMAGED))
    for suffix in ("-wal", "-shm"):
        live.with_name(live.name + suffix).unlink(missing_ok=True)
    prepared.rename(live)
    sync(live.parent)


def rehearse(*, actor: Actor, organization_id: str | None = None) -> Backup | None:
    """Restore the newest backup of a tenant (one at random) into a folder of its own, and prove it.

    None when there are no backups. Raises `BackupMismatch`, and `RestoreFailed` where there is no room for
    it; the live database is not touched.
    """
    actor.require("tenants.care_for_databases")
    newest = _newest_of([organization_id] if organization_id else backups.organizations_backed_up())
    if newest is None:
        return None
    try:
        with _failing_as_restore():
            _prove(newest, actor)
    except (errors.BackupMismatch, errors.RestoreFailed) as refusal:
        metrics.rehearsals.labels(result="failed").inc()
        log.exception("restore rehearsal failed", organization=newest.organization)
        after = {"backup": newest.name, "failed": refusal.detail}
        audit.record("database.rehearse", actor=actor, organization=newest.organization, after=after)
        raise
    metrics.rehearsals.labels(result="passed").inc()
    after = {"backup": newest.name}
    audit.record("database.rehearse", actor=actor, organization=newest.organization, after=after)
    return newest


def _newest_of(organization_ids: list[str]) -> Backup | None:
    """The newest backup of one of them at random, of those that have any."""
    for one in random.SystemRandom().sample(organization_ids, len(organization_ids)):
        if found := backups.of_organization(one):
            return found[0]
    return None


def _prove(backup: Backup, actor: Actor) -> None:
    check(backup)
    with tempfile.TemporaryDirectory(prefix="pulse-rehearsal-") as folder:
        rehearsed = Path(folder) / backups.FILE
        _prepare(backup, rehearsed, actor)
        if findings := integrity.inspect_file(rehearsed):
            raise errors.BackupMismatch(f"The restored database is damaged: {findings[0]}.")

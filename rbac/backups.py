"""Backups of tenants' databases: `data/backups/<org-id>/<instant>/` with the file and its manifest.

Made online by SQLite's backup API while others write; proved by opening them before they count.
"""

import hashlib
import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from pulse import audit, faults, frozen
from pulse.actors import Actor
from pulse.models import AuditHead
from pulse.problems import Problem
from rbac import databases, errors, integrity, metrics
from rbac.failures import LOCKS, PRIMARY
from rbac.template import sync
from tenants import organizations
from tenants.models import ORGANIZATION_ID, Organization

log = structlog.get_logger(__name__)

FOLDER = "backups"
REMOVE = "database.remove_backup"
FORMAT = 1
FILE, MANIFEST = "rbac.db", "manifest.json"
UNFINISHED = ".new-"
NAME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup's manifest says. `name` is its instant, UTC; `audit_sequence` the log's end then."""

    organization: str
    name: str
    made_at: str
    size: int
    sha256: str
    schema_version: int
    audit_sequence: int
    reason: str
    format: int = FORMAT

    @property
    def file(self) -> Path:
        return folder() / self.organization / self.name / FILE


def folder() -> Path:
    return Path(settings.PULSE_DATA_DIR) / FOLDER


def of_organization(organization_id: str) -> list[Backup]:
    """The organization's finished backups, the newest first."""
    root = folder() / organization_id
    if not root.exists():
        return []
    found = (_read(organization_id, entry.name) for entry in root.iterdir())
    ours = (backup for backup in found if backup is not None and backup.organization == organization_id)
    return sorted(ours, key=attrgetter("name"), reverse=True)


def find(organization_id: str, name: str) -> Backup:
    """Raises `BackupNotFound`, also for one whose manifest cannot be read, and `BackupMismatch` for one
    whose manifest says that it is another organization's.
    """
    backup = _read(organization_id, name)
    if backup is None:
        raise errors.BackupNotFound
    if backup.organization != organization_id:
        raise errors.BackupMismatch("The backup is another organization's.")
    return backup


def make(organization_id: str, *, actor: Actor, reason: str = "") -> Backup:
    """Back the tenant's database up as of one moment, while others go on reading and writing it.

    Raises `OrganizationNotFound`, `TenantBusy`, and `BackupFailed` when the database cannot be read, or the
    copy cannot be written or is not whole; nothing unfinished is kept.
    """
    actor.require("tenants.care_for_databases")
    audit.checked_reason(reason)
    organization = organizations.living(organization_id)
    try:
        backup = _make(organization.id, reason)
    except (OSError, sqlite3.Error, errors.TenantBusy) as error:
        metrics.backups.labels(result="failed").inc()
        log.exception("backup failed", organization=organization.id)
        if isinstance(error, errors.TenantBusy):
            raise
        raise errors.BackupFailed(f"The backup could not be made: {error}.") from error
    metrics.backups.labels(result="made").inc()
    Organization.objects.filter(pk=organization.pk).update(backed_up_at=backup.made_at)
    after = {"backup": backup.name, "sha256": backup.sha256}
    audit.record("database.backup", actor=actor, organization=organization.id, after=after, reason=reason)
    return backup


def _make(organization_id: str, reason: str) -> Backup:
    root = folder() / organization_id
    root.mkdir(parents=True, exist_ok=True)
    made_at = timezone.now()
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=root))
    try:
        head = AuditHead.objects.filter(id=1).first()
        version = copy_live(organization_id, unfinished / FILE)
        faults.reach("backup.copied")
        _prove(unfinished / FILE)
        backup = Backup(
            organization=organization_id,
            name=made_at.strftime(NAME),
            made_at=made_at.isoformat(),
            size=(unfinished / FILE).stat().st_size,
            sha256=sha256(unfinished / FILE),
            schema_version=version,
            audit_sequence=head.sequence if head else 0,
            reason=reason,
        )
        (unfinished / MANIFEST).write_text(json.dumps(asdict(backup), indent=2))
        for written in (unfinished / FILE, unfinished / MANIFEST, unfinished):
            sync(written)
        faults.reach("backup.finished")
        unfinished.rename(root / backup.name)
        sync(root)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return backup


def copy_live(organization_id: str, into: Path) -> int:
    """Copy the tenant's database, of whatever schema, into a file without a WAL beside it; its version.

    By a connection of its own, so that an error of the copy is not taken for one of the tenant's.
    """
    live = connect(databases.file_of(organization_id))
    with closing(live), closing(sqlite3.connect(into)) as copy:
        overwrite(copy, live)
        copy.execute("PRAGMA journal_mode = DELETE")
        version: int = copy.execute("PRAGMA user_version").fetchone()[0]
    return version


def connect(file: Path) -> sqlite3.Connection:
    """A connection of one's own to a file that exists, which waits for locks as tenants' requests do."""
    uri = databases.uri_of(file, "mode=rw")
    return sqlite3.connect(uri, uri=True, timeout=settings.PULSE_RBAC_BUSY_SECONDS)


def overwrite(target: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """All pages by SQLite's backup API, in one transaction. Raises `TenantBusy` once a timeout is over."""

    def give_up(status: int, remaining: int, total: int) -> None:
        """Called after each try; the library itself would try for ever."""
        if status & PRIMARY in LOCKS:
            raise errors.TenantBusy(headers={"Retry-After": "1"})

    source.backup(target, progress=give_up)


def _prove(file: Path) -> None:
    if findings := integrity.inspect_file(file):
        raise sqlite3.DatabaseError("; ".join(findings))


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read(organization_id: str, name: str) -> Backup | None:
    """What the manifest says, if it is one, of that backup: a name is an instant, and so never a path."""
    try:
        datetime.strptime(name, NAME).replace(tzinfo=UTC)
        held: dict[str, Any] = json.loads((folder() / organization_id / name / MANIFEST).read_text())
        backup = Backup(**held)
    except (OSError, ValueError, TypeError):
        return None
    is_well_formed = all(type(getattr(backup, one.name)) is one.type for one in fields(Backup))
    return backup if is_well_formed and (backup.name, backup.format) == (name, FORMAT) else None


def remove(organization_id: str, name: str, *, actor: Actor) -> None:
    """Delete one backup. Raises `BackupNotFound`."""
    actor.require("tenants.care_for_databases")
    frozen.require_thawed(REMOVE, actor=actor)
    backup = find(organization_id, name)
    shutil.rmtree(backup.file.parent)
    audit.record(REMOVE, actor=actor, organization=organization_id, before={"backup": name})


def discard_all(organization_id: str) -> None:
    """Erase all backups of a tenant that is purged."""
    shutil.rmtree(folder() / organization_id, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` is a refusal's code; None when the backup was made."""

    organization_id: str
    backup: Backup | None
    error: str | None = None


def make_all(organization_ids: Iterable[str], *, actor: Actor, reason: str = "") -> Iterator[Outcome]:
    """Back up each, and go on past those that cannot be."""
    for organization_id in organization_ids:
        try:
            yield Outcome(organization_id, make(organization_id, actor=actor, reason=reason))
        except Problem as refusal:
            yield Outcome(organization_id, None, refusal.code)


def prune(organization_ids: Iterable[str] | None = None, *, keep_days: int, now: datetime) -> int:
    """Delete backups that are older than `keep_days`, and what crashes left unfinished; how many backups.

    Those of all organizations unless some are named. The newest one of each is kept however old it is.
    """
    removed = 0
    oldest = (now - timedelta(days=keep_days)).astimezone(UTC).strftime(NAME)
    for organization_id in organizations_backed_up() if organization_ids is None else organization_ids:
        _clear_unfinished(folder() / organization_id, before=now - timedelta(days=1))
        for backup in of_organization(organization_id)[1:]:
            if backup.name < oldest:
                shutil.rmtree(backup.file.parent)
                removed += 1
    return removed


def _clear_unfinished(root: Path, *, before: datetime) -> None:
    for unfinished in root.glob(f"{UNFINISHED}*"):
        if unfinished.stat().st_mtime < before.timestamp():
            shutil.rmtree(unfinished, ignore_errors=True)


def organizations_backed_up() -> list[str]:
    """The organizations that have a folder of backups, which may be empty."""
    if not folder().exists():
        return []
    return sorted(entry.name for entry in folder().iterdir() if re.fullmatch(ORGANIZATION_ID, entry.name))

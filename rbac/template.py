"""New tenant databases: clones of a migrated template, finished aside and renamed into place."""

import os
import secrets
import shutil
import sqlite3
import tempfile
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from pulse import faults
from rbac import databases, schema
from rbac.built_in import BUILT_IN

# Folders of unfinished and discarded tenants begin with a dot, which no organization's id does.
UNFINISHED = ".new-"
DISCARDED = ".discarded-"


def create(organization_id: str, *, admin: str | None) -> None:
    """Make the tenant's database with its built-in roles, and `admin` (a principal) as its admin.

    The finished folder is fsynced and renamed into place. A folder that stands there already was left
    by a crash, since no row of the control database can have reached it, and is discarded.
    """
    root = databases.folder()
    root.mkdir(parents=True, exist_ok=True)
    template = ensure()
    unfinished = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{organization_id}.", dir=root))
    try:
        faults.reach("clone.folder")
        file = unfinished / "rbac.db"
        shutil.copyfile(template, file)
        faults.reach("clone.copied")
        if admin is not None:
            _make_admin(file, admin)
        faults.reach("clone.admin")
        sync(file)
        sync(unfinished)
        faults.reach("clone.synced")
        _rename(unfinished, root / organization_id)
        faults.reach("clone.renamed")
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def discard(organization_id: str) -> None:
    """Remove the tenant's folder: out of reach by one rename, then deleted."""
    faults.reach("discard.begun")
    databases.close(organization_id)
    root = databases.folder()
    # By a rename alone: on a full disk there may be no room for even one more folder.
    aside = root / f"{DISCARDED}{organization_id}.{secrets.token_hex(4)}"
    try:
        (root / organization_id).rename(aside)
    except FileNotFoundError:
        return
    faults.reach("discard.renamed")
    shutil.rmtree(aside, ignore_errors=True)
    sync(root)


def ensure() -> Path:
    """The template of the current schema, built on first use."""
    path = _template_file()
    if not path.exists():
        _build(path)
    return path


def _template_file() -> Path:
    return databases.folder() / f".template-{schema.current()}" / "rbac.db"


def _build(path: Path) -> None:
    """Migrate a new file under a name of our own and rename it, so that two builders cannot collide."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = f".build-{os.getpid()}-{secrets.token_hex(4)}"
    building = databases.file_of(name)
    building.parent.mkdir(parents=True)
    try:
        faults.reach("template.folder")
        call_command("migrate", database=databases.alias_of(name), app_label="rbac", verbosity=0)
        faults.reach("template.migrated")
        databases.close(name)
        _finish(building)
        sync(building)
        faults.reach("template.synced")
        building.rename(path)
    finally:
        databases.close(name)
        shutil.rmtree(building.parent, ignore_errors=True)


def _finish(file: Path) -> None:
    """Built-in roles, the schema version, and WAL, which the file remembers."""
    raw = sqlite3.connect(file, isolation_level=None)
    try:
        raw.execute("BEGIN")
        for role, (name, description, priority, rules) in BUILT_IN.items():
            raw.execute(
                "INSERT INTO rbac_role (id, name, description, built_in, priority) VALUES (?, ?, ?, 1, ?)",
                (role, name, description, priority),
            )
            raw.executemany(
                "INSERT INTO rbac_permission (role_id, action, resource, effect, conditions)"
                " VALUES (?, ?, ?, 'allow', '{}')",
                [(role, action, resource) for action, resource in rules],
            )
        raw.execute("COMMIT")
        raw.execute(f"PRAGMA user_version = {schema.current()}")
        raw.execute("VACUUM")
        raw.execute("PRAGMA journal_mode = WAL")
    finally:
        raw.close()


def _make_admin(file: Path, principal: str) -> None:
    """Assign the admin role. Nothing is synced here: the caller syncs the finished file once."""
    raw = sqlite3.connect(file, isolation_level=None)
    try:
        # Nobody else can have the file open: no shared memory is made for readers of its WAL.
        raw.execute("PRAGMA locking_mode = EXCLUSIVE")
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("PRAGMA journal_mode = MEMORY")
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("INSERT INTO rbac_principal (id, display_name) VALUES (?, '')", (principal,))
        raw.execute("INSERT INTO rbac_assignment (principal_id, role_id) VALUES (?, 'admin')", (principal,))
        raw.execute(
            "INSERT INTO rbac_change (at, actor, verb, subject, before, after)"
            " VALUES (?, 'job:provision', 'roles.assign', ?, '[]', '[\"admin\"]')",
            (timezone.now().replace(tzinfo=None).isoformat(" "), principal),
        )
        raw.execute("COMMIT")
        raw.execute("PRAGMA journal_mode = WAL")
    finally:
        raw.close()


def _rename(unfinished: Path, final: Path) -> None:
    try:
        unfinished.rename(final)
    except OSError:
        if not final.exists():
            raise
        discard(final.name)
        unfinished.rename(final)
    sync(final.parent)


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

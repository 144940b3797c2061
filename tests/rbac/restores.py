"""A tenant that has a backup of another content than its present one, and its restore through the API."""

from typing import Any

from rbac import assignments, backups, databases
from rbac.backups import Backup
from tenants import context
from tests.api import Caller
from tests.factories import SYSTEM, make_organization
from tests.rbac.callers import assign

RESTORE = "/api/admin/orgs/acme/rbac/restore"
# What is found after a restore, and what would be without.
OLD, NEW = ["viewer"], ["auditor"]


def restore(operator: Caller, backup: Backup, **more: str) -> Any:
    return operator.post(RESTORE, {"backup": backup.name, **more})


def bobs_roles() -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal("bob")


def left_behind() -> list[str]:
    """What is beside the database, apart from SQLite's own files."""
    names = {entry.name for entry in databases.file_of("acme").parent.iterdir()}
    return sorted(names - {"rbac.db", "rbac.db-wal", "rbac.db-shm"})


def make_backup() -> Backup:
    """Made while bob was a viewer, who is an auditor now."""
    make_organization("acme")
    assign("bob", "viewer")
    made = backups.make("acme", actor=SYSTEM)
    assign("bob", "auditor")
    return made

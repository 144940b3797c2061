"""Is a tenant's database whole? Opens, schema, built-in roles, foreign keys, SQLite's own check."""

import sqlite3
from contextlib import closing
from pathlib import Path

from django.utils import timezone

from pulse.problems import Problem
from rbac import databases, metrics
from rbac.built_in import BUILT_IN
from tenants.models import Organization

PARENT = "SELECT parent_id FROM rbac_role WHERE id = ?"
TRIGGERS = {"change_no_update", "change_no_delete", "change_no_replace"}
BUILT_IN_RULES = (
    "SELECT action, resource, effect, conditions FROM rbac_permission WHERE role_id = ? ORDER BY id"
)


def verify(organization_id: str) -> list[str]:
    """What is wrong with the tenant's database; empty when it is whole."""
    try:
        with databases.using(organization_id) as opened:
            findings = inspect(opened.raw)
    except Problem as problem:
        findings = [f"{problem.code}: {problem.__cause__ or problem.detail}"]
    metrics.integrity_checks.labels(result="failed" if findings else "passed").inc()
    _keep(organization_id, is_damaged=bool(findings))
    return findings


def _keep(organization_id: str, *, is_damaged: bool) -> None:
    """Since when it fails, for the operators' first page; written when that changes alone."""
    changed = Organization.objects.filter(pk=organization_id, damaged_since__isnull=is_damaged)
    changed.update(damaged_since=timezone.now() if is_damaged else None)


def inspect_file(file: Path) -> list[str]:
    """What is wrong with a file that nobody writes, such as a backup; empty when it is whole.

    It is read as it is: a journal that somebody has put beside it is not taken for a part of it.
    """
    try:
        with closing(sqlite3.connect(databases.uri_of(file, "immutable=1"), uri=True)) as raw:
            return inspect(raw)
    except sqlite3.Error as error:
        return [str(error)]


def inspect(raw: sqlite3.Connection) -> list[str]:
    """What is wrong with the database of an open connection. Raises sqlite3.Error when it cannot be read."""
    # What this connection remembers of the file may be whole where the disk is not.
    raw.execute("PRAGMA shrink_memory")
    findings = [row[0] for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
    findings += [f"broken foreign key in {row[0]}" for row in raw.execute("PRAGMA foreign_key_check")]
    present = {row[0] for row in raw.execute("SELECT id FROM rbac_role WHERE built_in")}
    findings += [f"built-in role {role} is missing" for role in sorted(set(BUILT_IN) - present)]
    findings += [f"built-in role {role} was changed" for role in sorted(present) if _is_changed(raw, role)]
    triggers = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    findings += [f"the changelog's trigger {name} is missing" for name in sorted(TRIGGERS - triggers)]
    return findings


def _is_changed(raw: sqlite3.Connection, role: str) -> bool:
    if role not in BUILT_IN:
        return True
    *_, rules = BUILT_IN[role]
    expected = [(action, resource, "allow", "{}") for action, resource in rules]
    found = raw.execute(BUILT_IN_RULES, (role,)).fetchall()
    return found != expected or raw.execute(PARENT, (role,)).fetchone() != (None,)

"""The decision in plain SQL that the RBAC benches compare with, on a tenant's own file."""

import sqlite3

# Whether an allow covers the request and no deny does: one row, its only column 1, 0 or NULL.
SQL = """
    SELECT min(p.effect = 'allow')
    FROM rbac_assignment a JOIN rbac_permission p ON p.role_id = a.role_id
    WHERE a.principal_id = ? AND p.action IN (?, 'admin') AND p.resource IN (?, '*')
"""


def decide(raw: sqlite3.Connection, user: str, action: str, resource: str) -> bool:
    row = raw.execute(SQL, (user, action, resource)).fetchone()
    return bool(row[0])

"""SQLite's failures on a tenant's file as refusals: told to the one who asks, logged and counted."""

import sqlite3
from typing import Any

import structlog
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseError, DatabaseErrorWrapper, OperationalError

from rbac import errors, metrics

log = structlog.get_logger(__name__)

# The primary result code is the low byte: https://www.sqlite.org/rescode.html
PRIMARY = 0xFF
LOCKS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Failures(DatabaseErrorWrapper):
    """Django's errors for SQLite's, save that a failure of the tenant's file is a refusal.

    Stands in for a connection's `wrap_database_errors`, through which Django executes, fetches and commits.
    """

    def __init__(self, connection: BaseDatabaseWrapper, organization_id: str) -> None:
        super().__init__(connection)
        self.organization_id = organization_id

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        try:
            super().__exit__(exc_type, exc_value, traceback)
        except DatabaseError as error:
            # Its subclasses but one tell of a query that is at fault, not the file.
            if type(error) not in (DatabaseError, OperationalError):
                raise
            raise refusal(self.organization_id, error) from error


def refusal(organization_id: str, error: Exception | None, *, is_behind: bool = False) -> errors.Unusable:
    """What the failure is to the one who asks."""
    refused: errors.Unusable = errors.TenantDatabaseUnavailable()
    if is_behind:
        refused = errors.TenantMigrating()
    elif is_lock(error):
        refused = errors.TenantBusy(headers={"Retry-After": "1"})
    metrics.unusable_databases.labels(code=refused.code).inc()
    log.error(
        "tenant database unusable", organization=organization_id, code=refused.code, cause=str(error or "")
    )
    return refused


def is_lock(error: Exception | None) -> bool:
    """Whether SQLite, or Django for it, says that somebody else holds a lock."""
    cause = error if isinstance(error, sqlite3.Error) else getattr(error, "__cause__", None)
    return getattr(cause, "sqlite_errorcode", 0) & PRIMARY in LOCKS

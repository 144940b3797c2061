"""The schema of tenants' databases: its version is how many migrations this app has.

It is kept in each file as `PRAGMA user_version`, and beside the organization in the control database.
"""

import pkgutil
from functools import lru_cache
from importlib import import_module

from django.db.migrations.loader import MigrationLoader

APP = "rbac"


def names() -> tuple[str, ...]:
    """The migrations in their order; the first makes version 1."""
    module, _ = MigrationLoader.migrations_module(APP)
    return _names(str(module))


def current() -> int:
    """The version that this code reads and writes."""
    return len(names())


@lru_cache
def _names(module: str) -> tuple[str, ...]:
    package = import_module(module)
    found = [one.name for one in pkgutil.iter_modules(package.__path__) if one.name[0] not in "_~"]
    return tuple(sorted(found))

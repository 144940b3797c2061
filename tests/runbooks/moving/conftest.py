"""A move begins on SQLite: where the tests run on PostgreSQL there is nothing to move."""

from django.conf import settings

from tests.runbooks.moving.targets import migrated, target

__all__ = ["migrated", "target"]

collect_ignore = [] if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else ["test_moving.py"]

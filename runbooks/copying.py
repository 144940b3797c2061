"""Copies the control database's tables, row by row, from one database into another, and compares them.

Rows go as the application sees them, so that a boolean, an instant, bytes or JSON are on the other side what
they were here, whatever a database keeps them as. JSON goes as its text.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.apps import apps
from django.db import connections, models, router
from django.db.models.functions import Cast

ROWS_AT_ONCE = 2000
# Of a table with bytes, of which a row may have megabytes.
LARGE_ROWS_AT_ONCE = 20
# What is no part of the installation's data, and why.
LEFT_OUT = {
    "django_migrations": "the other database keeps its own",
    "pulse_heartbeat": "its processes are stopped",
}
# In what form values of these fields are compared; all others are compared as they are.
COMPARED: tuple[tuple[type[models.Field[Any, Any]], Callable[[Any], Any]], ...] = (
    (models.JSONField, lambda value: json.dumps(value, sort_keys=True)),
    (models.BinaryField, bytes),
    (models.DateTimeField, lambda value: value.astimezone(UTC).isoformat()),
)


@dataclass(slots=True)
class Digest:
    """How many rows there are, and the sum of their SHA-256: databases differ in how they sort texts."""

    rows: int = 0
    total: int = 0

    def add(self, row: tuple[Any, ...]) -> None:
        self.rows += 1
        self.total += int.from_bytes(hashlib.sha256(repr(row).encode()).digest())

    def __str__(self) -> str:
        return f"{self.total % 2**256:064x}"


class Table:
    """A model's table with the ways to read, write and compare its rows."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        self.name = model._meta.db_table
        self.fields = [field for field in model._meta.concrete_fields if not field.generated]
        self.is_json = [isinstance(field, models.JSONField) for field in self.fields]
        self.forms = [_form_of(field) for field in self.fields]
        has_bytes = any(isinstance(field, models.BinaryField) for field in self.fields)
        self.at_once = LARGE_ROWS_AT_ONCE if has_bytes else ROWS_AT_ONCE

    def count(self, *, using: str) -> int:
        return self.model._base_manager.using(using).count()

    def copied(self, source: str, target: str, into: Digest) -> Iterator[None]:
        """Write every row of the one into the other by COPY, pausing after each."""
        other = connections[target]
        wanted = [
            Cast(field.name, models.TextField()) if is_json else field.attname
            for field, is_json in zip(self.fields, self.is_json, strict=True)
        ]
        with (
            closing(self._values(source, wanted)) as rows,
            other.cursor() as cursor,
            other.wrap_database_errors,
            cursor.copy(self._copy(other)) as copy,
        ):
            for row in rows:
                values = list(zip(self.fields, self.is_json, row, strict=True))
                copy.write_row([_written(*value, other) for value in values])
                into.add(self._comparable([_parsed(*value) for value in values]))
                yield

    def read(self, target: str, into: Digest) -> Iterator[None]:
        """Add every row of the database to the digest, pausing after each."""
        with closing(self._values(target, [field.attname for field in self.fields])) as rows:
            for row in rows:
                into.add(self._comparable(row))
                yield

    def reset_sequence(self, source: str, target: str) -> None:
        """Have the next row's number be what it would have been, also where the last rows were deleted."""
        with connections[source].cursor() as cursor:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [self.name])
            last = cursor.fetchone()
        if last and last[0]:
            column = self.model._meta.pk.column
            with connections[target].cursor() as cursor:
                quoted = connections[target].ops.quote_name(self.name)
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [quoted, column, last[0]])

    def _values(self, using: str, wanted: list[Any]) -> Any:
        rows = self.model._base_manager.using(using).order_by("pk")
        return rows.values_list(*wanted).iterator(chunk_size=self.at_once)

    def _copy(self, connection: Any) -> str:
        columns = ", ".join(connection.ops.quote_name(field.column) for field in self.fields)
        return f"COPY {connection.ops.quote_name(self.name)} ({columns}) FROM STDIN"

    def _comparable(self, values: Any) -> tuple[Any, ...]:
        pairs = zip(self.forms, values, strict=True)
        return tuple(value if form is None or value is None else form(value) for form, value in pairs)


def _written(field: models.Field[Any, Any], is_json: bool, value: Any, connection: Any) -> Any:
    return value if is_json else field.get_db_prep_save(value, connection)


def _parsed(field: models.Field[Any, Any], is_json: bool, value: Any) -> Any:
    return json.loads(value) if is_json and value is not None else value


def _form_of(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    return next((form for kind, form in COMPARED if isinstance(field, kind)), None)


def tables(using: str) -> list[Table]:
    """Every table of the control database but those that are left out."""
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and router.allow_migrate_model(using, model)
    ]
    return [Table(model) for model in found if model._meta.db_table not in LEFT_OUT]


def unknown_tables(using: str) -> list[str]:
    """Tables that no model is of, such as those of an app that was taken out."""
    known = {table.name for table in tables(using)} | LEFT_OUT.keys()
    return sorted(set(connections[using].introspection.table_names()) - known)

"""Hands that tamper with the evidence by SQL, as somebody with the database's password could."""

from typing import Any

from django.db import connection

TRIGGERS = {
    "sqlite": [f"DROP TRIGGER runbooks_evidencerecord_no_{verb}" for verb in ("update", "delete", "replace")],
    "postgresql": ["DROP FUNCTION runbooks_refuse() CASCADE"],
}


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def drop_triggers() -> None:
    for statement in TRIGGERS[connection.vendor]:
        sql(statement)


def set_column(column: str, value: Any, *, sequence: int) -> None:
    sql(f"UPDATE runbooks_evidencerecord SET {column} = %s WHERE sequence = %s", value, sequence)

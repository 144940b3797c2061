"""Hands that tamper with the audit log by SQL, as somebody with the database's password could."""

from typing import Any

from django.db import connection

from pulse import audit
from pulse.models import AuditEvent, AuditHead
from tests.factories import SYSTEM

TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER audit_no_update",
        "DROP TRIGGER audit_no_delete",
        "DROP TRIGGER audit_no_replace",
    ],
    "postgresql": ["DROP FUNCTION pulse_audit_refuse() CASCADE"],
}


def write(count: int) -> None:
    """That many events, numbered from 1."""
    for number in range(1, count + 1):
        audit.record(f"test.event{number}", actor=SYSTEM, organization="acme", reason="wegen Überlast")


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def drop_triggers() -> None:
    for statement in TRIGGERS[connection.vendor]:
        sql(statement)


def set_column(column: str, value: Any, *, sequence: int) -> None:
    sql(f"UPDATE pulse_auditevent SET {column} = %s WHERE sequence = %s", value, sequence)


def swap(first: int, second: int) -> None:
    """Give each of the two events the other's place."""
    for old, new in ((first, -1), (second, first), (-1, second)):
        set_column("sequence", new, sequence=old)


def rehash(sequence: int) -> None:
    """Make the event's hash fit its changed content."""
    event = AuditEvent.objects.get(sequence=sequence)
    set_column("hash", audit.CHAIN.digest(event), sequence=sequence)


def put_head_back_to(sequence: int) -> None:
    """Make the head name an earlier event, as if those after it had never been."""
    AuditHead.objects.update(
        sequence=sequence, hash=AuditEvent.objects.values("hash").get(sequence=sequence)["hash"]
    )

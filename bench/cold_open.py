"""Opening a tenant and deciding, to the same in raw sqlite3 and to a plain Django alias with the ORM.

Somebody else has each tenant open, as with several workers: else creating and removing SQLite's `-wal` and
`-shm` files would be most of the time on either side, and would flatter the ratio.
"""

import itertools
import sqlite3
from collections.abc import Iterator

from django.db import connections

from bench import ground
from bench.decision import decide
from bench.measure import alternately, median
from bench.results import Result, run
from rbac import access, assignments, databases
from rbac.models import Assignment
from tenants import context

USER, ACTION, RESOURCE = "person", "write", "alerts"
TENANTS = [f"tenant-{number}" for number in range(60)]


def measure() -> list[Result]:
    ground.migrate()
    for tenant in TENANTS:
        ground.organization(tenant)
        with context.organization(tenant):
            assignments.assign(USER, roles=["operator"], actor=ground.ACTOR)
    databases.close_all()
    elsewhere = [opened_elsewhere(tenant) for tenant in TENANTS]
    bench = ColdOpen(itertools.cycle(TENANTS))
    opened, raw, orm = alternately(
        bench.ours,
        bench.raw,
        bench.by_orm,
        before=bench.close,
        rounds=400,
        title="cold open and decide",
    )
    for raw_connection in elsewhere:
        raw_connection.close()
    return [
        Result("open a tenant and decide, to raw sqlite3", median(opened), median(raw), "µs", 2.5),
        Result("open a tenant and decide, to an alias with the ORM", median(opened), median(orm), "µs"),
    ]


def opened_elsewhere(tenant: str) -> sqlite3.Connection:
    raw = sqlite3.connect(databases.file_of(tenant))
    decide(raw, USER, ACTION, RESOURCE)
    return raw


class ColdOpen:
    """Each call opens the next tenant, which nobody has open, and leaves it open; closing is not timed."""

    def __init__(self, tenants: Iterator[str]) -> None:
        self.tenants = tenants
        self.raw_connections: list[sqlite3.Connection] = []

    def ours(self) -> None:
        with context.organization(next(self.tenants)):
            if not access.check(USER, ACTION, RESOURCE):
                raise AssertionError("refused")

    def raw(self) -> None:
        file = str(databases.file_of(next(self.tenants)))
        raw = sqlite3.connect(file, isolation_level=None)
        self.raw_connections.append(raw)
        if not decide(raw, USER, ACTION, RESOURCE):
            raise AssertionError("refused")

    def by_orm(self) -> None:
        alias = databases.alias_of(next(self.tenants))
        assigned = Assignment.objects.using(alias).filter(
            principal_id=USER,
            role__permissions__action__in=(ACTION, "admin"),
            role__permissions__resource__in=(RESOURCE, "*"),
        )
        if not assigned.exists():
            raise AssertionError("refused")

    def close(self) -> None:
        databases.close_all()
        while self.raw_connections:
            self.raw_connections.pop().close()
        for tenant in TENANTS:
            alias = databases.alias_of(tenant)
            connections[alias].close()
            del connections[alias]


if __name__ == "__main__":
    run(measure)

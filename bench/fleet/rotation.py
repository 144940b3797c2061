"""A permission check while the process works for 10, 100 and 10,000 tenants in turn; 10,000 exist each time.

A visit turns to the next tenant, and its first check is not timed: it may have to open the tenant's
database, since a thread keeps only `PULSE_RBAC_MAX_OPEN` (64) of them open, which 10 tenants are within and
the others far over. Then twenty checks are timed. What a visit's first check takes is measured by itself.

The contenders have the same roles and give the same answer: raw SQL and the ORM on the open database,
django-guardian on one SQLite file, pycasbin in memory.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from bench import ground, peers
from bench.decision import decide
from bench.fleet import TENANTS
from bench.measure import Rotation, SelfTimed, Work, alternately, median
from bench.results import Result
from bench.warm_check import ACTION, RESOURCE, USER, by_orm
from rbac import access, databases
from tenants import context

SIZES = (10, 100, TENANTS)

# Contender → size → microseconds.
Times = dict[str, dict[int, float]]

entered = ExitStack()


def measure() -> list[Result]:
    with running_peers() as others:
        warm = measure_warm(others)
    entered.close()
    databases.close_all()
    first = measure_first()
    kept.close()
    databases.close_all()
    return [*warm_rows(warm), *first_rows(first)]


@contextmanager
def running_peers() -> Iterator[Mapping[str, peers.Peer]]:
    arguments = (str(TENANTS), ACTION, RESOURCE, *map(str, SIZES))
    found: dict[str, peers.Peer] = {}
    with ExitStack() as stack:
        if peers.can_run("django-guardian"):
            file = str(ground.DATA / "guardian.db")
            guardian = peers.Peer("guardian", *arguments, BENCH_GUARDIAN_FILE=file)
            found["django-guardian's has_perm"] = stack.enter_context(guardian)
        if peers.can_run("casbin"):
            found["pycasbin's enforce"] = stack.enter_context(peers.Peer("pycasbin", *arguments))
        yield found


def measure_warm(others: Mapping[str, peers.Peer]) -> Times:
    """Every contender at every size, all in the same rounds."""
    contenders: dict[tuple[str, int], Work | SelfTimed] = {}
    for size in SIZES:
        contenders["ours", size] = Rotation(visit_ours, size)
        contenders["one SQL join", size] = Rotation(visit_raw, size)
        contenders["the ORM's exists()", size] = Rotation(visit_by_orm, size)
        contenders |= {(name, size): peer.contender(str(size)) for name, peer in others.items()}
    return taken(contenders, rounds=100, calls=20, title="checks in rotation")


def taken(contenders: Mapping[tuple[str, int], Work | SelfTimed], **options: object) -> Times:
    values = alternately(*contenders.values(), **options)  # type: ignore[arg-type]
    times: Times = {}
    for (name, size), microseconds in zip(contenders, values, strict=True):
        times.setdefault(name, {})[size] = median(microseconds)
    return times


def enter(number: int) -> str:
    """Turn to the tenant: its database is open and its policy known."""
    tenant = f"tenant-{number + 1}"
    entered.close()
    entered.enter_context(context.organization(tenant))
    check()
    return tenant


def check() -> None:
    if not access.check(USER, ACTION, RESOURCE):
        raise AssertionError("refused")


def visit_ours(number: int) -> Work:
    enter(number)
    return check


def visit_raw(number: int) -> Work:
    return partial(decide, databases.open_database(enter(number)).raw, USER, ACTION, RESOURCE)


def visit_by_orm(number: int) -> Work:
    enter(number)
    return by_orm


def measure_first() -> Times:
    contenders: dict[tuple[str, int], Work | SelfTimed] = {}
    for size in SIZES:
        contenders["ours", size] = Rotation(first_check, size)
        contenders["raw sqlite3", size] = Rotation(raw_opening, size)
    return taken(contenders, rounds=200, calls=1, title="a visit's first check")


def first_check(number: int) -> Work:
    def work() -> None:
        with context.organization(f"tenant-{number + 1}"):
            check()

    return work


def raw_opening(number: int) -> Work:
    """The same by raw sqlite3 with as many connections kept: whoever is one too many is closed."""
    return partial(kept.decide, f"tenant-{number + 1}")


class Kept:
    """Raw connections, the least recently used closed over the cap."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.connections: dict[str, sqlite3.Connection] = {}

    def decide(self, tenant: str) -> None:
        raw = self.connections.pop(tenant, None)
        if raw is None:
            raw = sqlite3.connect(databases.file_of(tenant), isolation_level=None)
        self.connections[tenant] = raw
        if not decide(raw, USER, ACTION, RESOURCE):
            raise AssertionError("refused")
        if len(self.connections) > self.most:
            self.connections.pop(next(iter(self.connections))).close()

    def close(self) -> None:
        while self.connections:
            self.connections.popitem()[1].close()


kept = Kept(64)


def warm_rows(times: Times) -> list[Result]:
    ours = times.pop("ours")
    rows = [
        Result(f"check among {size:,} tenants, to {name}", ours[size], theirs[size], "µs")
        for name, theirs in times.items()
        for size in SIZES
    ]
    flat = Result(
        f"check while {TENANTS:,} tenants take turns, to while 10 do", ours[TENANTS], ours[10], "µs", 1.2
    )
    return [*rows, flat]


def first_rows(times: Times) -> list[Result]:
    ours, raw = times["ours"], times["raw sqlite3"]
    rows = [
        Result(f"a visit's first check among {size:,} tenants, to raw sqlite3", ours[size], raw[size], "µs")
        for size in SIZES
    ]
    name = f"a visit's first check while {TENANTS:,} tenants take turns, to while 100 do"
    return [*rows, Result(name, ours[TENANTS], ours[100], "µs", 1.2)]

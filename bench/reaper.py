"""The reaper's scan among a million organizations, a hundred of them due, to its limit and to a full scan."""

from datetime import UTC, datetime

from django.db import connection
from rich.console import Console

from bench import ground
from bench.measure import alternately, median
from bench.results import Result, run
from tenants import reaper
from tenants.models import Organization

ORGANIZATIONS = 1_000_000
DUE = 100
LIMIT_MILLISECONDS = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FULL_SCAN = """
    SELECT id FROM tenants_organization NOT INDEXED
    WHERE status = 'pending_deletion' AND purge_after <= %s ORDER BY purge_after
"""


def measure() -> list[Result]:
    ground.migrate()
    with Console(stderr=True).status(f"{ORGANIZATIONS:,} organizations"):
        ground.fill(ORGANIZATIONS, with_owners=False)
        make_some_due()
    check_plan()
    if len(reaper.due(now=NOW)) != DUE or len(full_scan()) != DUE:
        raise AssertionError(f"not {DUE} are due")
    scans, full_scans = alternately(
        lambda: reaper.due(now=NOW), full_scan, rounds=30, title="the reaper's scan"
    )
    return [
        Result("reaper's scan, to its limit", median(scans) / 1000, LIMIT_MILLISECONDS, "ms", 1.0),
        Result("reaper's scan, to a full scan", median(scans) / 1000, median(full_scans) / 1000, "ms"),
    ]


def make_some_due() -> None:
    """The due ones lie among those that are not, all over the table."""
    pending = Organization.objects.filter(status="pending_deletion").values_list("id", flat=True)
    step = ORGANIZATIONS // 100 // DUE
    due = list(pending.order_by("purge_after")[::step])
    Organization.objects.filter(id__in=due).update(purge_after=datetime(2025, 6, 1, tzinfo=UTC))


def check_plan() -> None:
    plan = Organization.objects.due_for_purge(now=NOW).explain()
    Console(stderr=True).print(f"EXPLAIN QUERY PLAN: {plan}")
    if "organization_due" not in plan:
        raise AssertionError("the scan does not use its index")


def full_scan() -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(FULL_SCAN, (NOW,))
        return list(cursor.fetchall())


if __name__ == "__main__":
    run(measure)

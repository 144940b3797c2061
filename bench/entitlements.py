"""What one organization may do, with a subscription and ten overrides: to one raw read of its overrides.

Ours reads both tables, lays the layers and names the origin of every part. The raw read fetches the ten rows
in plain SQL through Django's cursor, and does nothing with them.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from bench import ground
from bench.measure import alternately, median
from bench.results import Result, run
from billing import entitlements, overrides
from billing.catalogue import CAPABILITIES, LIMITS
from billing.overrides import Wanted

OVERRIDES = 10
READ = "SELECT * FROM billing_override WHERE organization_id = %s AND revoked_at IS NULL ORDER BY id"


def measure() -> list[Result]:
    ground.migrate()
    ground.organization("acme")
    for number in range(OVERRIDES):
        lay(number)
    effective = entitlements.for_organization("acme")
    if len(raw_read()) != OVERRIDES or not effective.in_force:
        raise AssertionError("the overrides do not stand")
    ours, read = alternately(
        lambda: entitlements.for_organization("acme"), raw_read, rounds=400, calls=2, title="entitlements"
    )
    name = f"effective entitlements with {OVERRIDES} overrides"
    return [Result(f"{name}, to one raw SQL read", median(ours), median(read), "µs")]


def lay(number: int) -> None:
    capabilities, limits = list(CAPABILITIES), list(LIMITS)
    wanted = Wanted(
        capabilities_added=[capabilities[number % len(capabilities)]],
        limits={limits[number % len(limits)]: 100 + number},
        valid_until=timezone.now() + timedelta(days=30 + number),
    )
    overrides.add("acme", wanted, actor=ground.ACTOR, reason="bench")


def raw_read() -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(READ, ("acme",))
        return list(cursor.fetchall())


if __name__ == "__main__":
    run(measure)

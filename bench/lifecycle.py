"""A lifecycle verb with its audit event and the owners' mail, to its limit and to one atomic insert."""

import itertools

from django.db import transaction
from django.utils import timezone

from bench import ground
from bench.measure import alternately, median, p95_milliseconds
from bench.results import Result, run
from pulse.models import IdempotencyKey
from tenants import lifecycle

LIMIT_MILLISECONDS = 5

numbers = itertools.count()


def measure() -> list[Result]:
    ground.migrate()
    ground.organization("acme")
    verbs = itertools.cycle((lifecycle.suspend, lifecycle.unsuspend))

    def verb() -> None:
        next(verbs)("acme", actor=ground.ACTOR, reason="security_incident")

    taken, inserts = alternately(verb, insert, rounds=600, title="lifecycle verb")
    return [
        Result("lifecycle verb, p95, to its limit", p95_milliseconds(taken), LIMIT_MILLISECONDS, "ms", 1.0),
        Result("lifecycle verb, to one atomic insert", median(taken), median(inserts), "µs"),
    ]


@transaction.atomic
def insert() -> None:
    IdempotencyKey.objects.create(caller="bench", key=str(next(numbers)), created_at=timezone.now())


if __name__ == "__main__":
    run(measure)

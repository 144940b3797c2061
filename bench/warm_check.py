"""A permission check on an open tenant, right across processes, to one SQL query and to the ORM."""

from functools import partial

from django.db.models import Q

from bench import ground
from bench.decision import decide
from bench.measure import alternately, median
from bench.results import Result, run
from rbac import access, assignments, databases
from rbac.models import Assignment
from tenants import context

# A role of several rules, the last of which decides.
USER, ACTION, RESOURCE = "person", "write", "alerts"


def measure() -> list[Result]:
    ground.migrate()
    ground.organization("acme")
    with context.organization("acme"):
        assignments.assign(USER, roles=["operator"], actor=ground.ACTOR)
        raw = databases.open_database("acme").raw
        ours = partial(access.check, USER, ACTION, RESOURCE)
        sql = partial(decide, raw, USER, ACTION, RESOURCE)
        for answer in (ours, sql, by_orm):
            if answer() is not True:
                raise AssertionError("the contenders do not answer alike")
        checks, queries, orm = alternately(
            ours, sql, by_orm, rounds=300, calls=50, title="warm permission check"
        )
    name = "warm permission check, to "
    return [
        Result(name + "one SQL join", median(checks), median(queries), "µs", 2.0),
        Result(name + "the ORM's exists()", median(checks), median(orm), "µs", round(1 / 30, 4)),
    ]


def by_orm() -> bool:
    covering = Q(role__permissions__action__in=(ACTION, "admin")) & Q(
        role__permissions__resource__in=(RESOURCE, "*")
    )
    return Assignment.objects.filter(covering, principal_id=USER, role__permissions__effect="allow").exists()


if __name__ == "__main__":
    run(measure)

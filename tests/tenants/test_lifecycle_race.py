"""Two operators at once, in two processes: one wins, the other is refused."""

import pytest

from pulse.models import AuditEvent
from tenants import lifecycle
from tenants.models import Organization
from tests.children import child
from tests.factories import SYSTEM

RACES = 200


def suspend(organization_id: str) -> str:
    lifecycle.suspend(organization_id, actor=SYSTEM)
    return "won"


@pytest.mark.usefixtures("database")
def test_exactly_one_of_two_suspensions_wins_each_time() -> None:
    ids = [f"org-{number}" for number in range(RACES)]
    Organization.objects.bulk_create(Organization(id=one, display_name=one) for one in ids)
    with child() as first, child() as second:
        for one in ids:
            for racer in (first, second):
                racer.begin(suspend, one)
            assert sorted([first.end(), second.end()]) == ["already_suspended", "won"]
    assert AuditEvent.objects.filter(verb="organization.suspend").count() == RACES

"""The reaper: purges what is past its retention, each on its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from pulse import faults
from pulse.models import AuditEvent
from pulse.problems import PermissionRefused
from tenants import lifecycle, reaper, resources
from tenants.errors import PurgeRefused
from tenants.models import ApiToken, Membership, Organization, User
from tests.api import Caller
from tests.factories import (
    SYSTEM,
    acting,
    make_member,
    make_operator,
    make_organization,
    member_token,
)
from tests.tenants.parts import Part
from tests.tenants.scrape import value_of
from tests.tenants.states import STEPS, organization_in, suspend

pytestmark = pytest.mark.usefixtures("database")


def reap() -> dict[str, str]:
    """A live run: the refusal of each organization, empty for a purged one."""
    return {one.organization_id: one.refusal for one in reaper.reap(actor=SYSTEM)}


@pytest.fixture
def objecting() -> Iterator[set[str]]:
    """A tenant resource that refuses to have these organizations purged."""

    class Legal(Part):
        def before_purge(self, organization: Organization) -> None:
            if organization.id in refused:
                raise PurgeRefused("It is under a legal hold.")

        def verify(self, organization: Organization) -> list[str]:
            return []

    refused: set[str] = set()
    resources.register(Legal("legal", []))
    yield refused
    resources._registered.pop()


def test_only_what_is_past_its_retention_is_due() -> None:
    for number, state in enumerate(STEPS):
        organization_in(state, f"org-{number}")
    due = list(STEPS).index("past its retention")
    assert [one.id for one in reaper.due()] == [f"org-{due}"]


def test_retention_is_over_to_the_second() -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    make_organization("acme")
    with time_machine.travel(start, tick=False):
        lifecycle.soft_delete("acme", actor=SYSTEM, retention_days=7)
    with time_machine.travel(start + timedelta(days=7, seconds=-1), tick=False):
        assert reap() == {}
    with time_machine.travel(start + timedelta(days=7), tick=False):
        assert reap() == {"acme": ""}


def test_the_longest_overdue_comes_first() -> None:
    for days, name in [(3, "third"), (1, "first"), (2, "second")]:
        make_organization(name)
        with time_machine.travel(datetime(2020, 1, 1, tzinfo=UTC)):
            lifecycle.soft_delete(name, actor=SYSTEM, retention_days=days)
    assert list(reap()) == ["first", "second", "third"]


def test_asking_what_is_due_purges_nothing() -> None:
    organization_in("past its retention")
    reaper.due()
    assert Organization.objects.get(id="acme").status == "pending_deletion"


def test_a_purge_is_one_audit_event_and_counted() -> None:
    organization_in("past its retention")
    labels = {"from_status": "pending_deletion", "to_status": "purged"}
    before = value_of("pulse_hosted_lifecycle_transitions_total", **labels)
    reap()
    assert value_of("pulse_hosted_lifecycle_transitions_total", **labels) == before + 1
    [event] = AuditEvent.objects.filter(organization="acme", verb="organization.purge")
    assert (event.before["status"], event.after["status"]) == ("pending_deletion", "purged")


def test_people_who_belonged_nowhere_else_are_forgotten() -> None:
    make_organization("acme")
    make_organization("other")
    alone = make_member("acme")
    both = make_member("acme")
    Membership.objects.create(user=both, organization_id="other")
    employee = make_operator()
    Membership.objects.create(user=employee, organization_id="acme")
    member_token("acme", both)
    STEPS["past its retention"][0]("acme")
    reap()
    left = set(User.objects.filter(pk__in=[alone.pk, both.pk, employee.pk]))
    assert left == {both, employee}
    assert not Membership.objects.filter(organization="acme").exists()
    assert not ApiToken.objects.filter(organization="acme").exists()


def test_others_are_untouched(operator: Caller) -> None:
    make_organization("other")
    before = operator.get("/api/admin/orgs/other").json()
    organization_in("past its retention")
    reap()
    assert operator.get("/api/admin/orgs/other").json() == before
    assert resources.verify(Organization.objects.get(id="other")) == {}


def test_one_refusal_keeps_that_organization_alone(objecting: set[str]) -> None:
    for name in ("held", "acme"):
        organization_in("past its retention", name)
    objecting.add("held")
    assert reap() == {"held": "purge_refused", "acme": ""}
    assert Organization.objects.get(id="held").status == "pending_deletion"
    assert resources.verify(Organization.objects.get(id="held")) == {}
    objecting.clear()
    assert reap() == {"held": ""}


@pytest.mark.parametrize("step", ["purge.agreed", "purge.rbac", "purge.billing", "purge.people"])
def test_a_failure_keeps_the_organization_whole_and_the_next_run_resumes(step) -> None:
    for name in ("broken", "later"):
        organization_in("past its retention", name)

    def fail_once() -> None:
        faults.disarm()
        raise OSError

    faults.arm(step, fail_once)
    assert reap() == {"broken": "purge_failed", "later": ""}
    assert resources.verify(Organization.objects.get(id="broken")) == {}
    assert reap() == {"broken": ""}


def test_an_organization_restored_meanwhile_is_kept() -> None:
    for name in ("first", "restored"):
        organization_in("past its retention", name)
    outcomes = reaper.reap(actor=SYSTEM)
    next(outcomes)
    lifecycle.restore("restored", actor=SYSTEM)
    assert [one.refusal for one in outcomes] == ["not_pending_deletion"]
    assert Organization.objects.get(id="restored").status == "active"


def test_an_operator_without_the_permission_purges_nothing() -> None:
    organization_in("past its retention")
    actor = acting(make_operator("operator"))
    with pytest.raises(PermissionRefused, match=r"tenants\.purge_organization"):
        list(reaper.reap(actor=actor))
    assert Organization.objects.get(id="acme").status == "pending_deletion"


def test_the_suspension_of_a_deleted_organization_does_not_keep_it() -> None:
    make_organization("acme")
    suspend("acme")
    STEPS["past its retention"][0]("acme")
    assert reap() == {"acme": ""}


def test_the_tokens_of_a_purged_organization_are_unknown(nobody: Caller) -> None:
    make_organization("acme")
    text = member_token("acme")
    STEPS["past its retention"][0]("acme")
    reap()
    assert nobody.get("/api/org", authorization=f"Bearer {text}").status_code == 401

"""A made-up world holds together as a real one does: files, entitlements, histories and the audit chain."""

import pytest

from pulse import audit
from pulse.models import AuditEvent
from tenants.models import Membership, Organization, Status, User
from tests.factories import make_organization
from tests.tenants.shell import document

pytestmark = pytest.mark.usefixtures("database")

SMALL = ("--organizations", "30", "--events", "300")


def seed(*arguments: str) -> dict[str, int]:
    status, seeded = document("seed", *SMALL, *arguments)
    assert status == 0
    return seeded


def refusal() -> tuple[int, str]:
    status, problem = document("seed")
    return status, problem["code"]


def ids() -> list[str]:
    return list(
        Organization.objects.exclude(id="default").order_by("created_at").values_list("id", flat=True)
    )


def test_it_says_what_it_has_written():
    seeded = seed()

    assert seeded["organizations"] == 30
    assert seeded["people"] == Membership.objects.count()
    assert seeded["audit_events"] == AuditEvent.objects.count() >= 300


def test_every_living_tenant_is_sound():
    seed()

    living = Organization.objects.living().exclude(id="default").values_list("id", flat=True)
    assert document("verify_tenants", *living) == (0, [])


def test_the_audit_chain_is_whole_and_in_order_of_time():
    seed()

    moments = list(AuditEvent.objects.order_by("sequence").values_list("at", flat=True))
    assert audit.verify() is None
    assert moments == sorted(moments)


def test_nobody_in_it_can_sign_in():
    seed()

    assert not any(user.has_usable_password() for user in User.objects.all())


def test_without_databases_it_makes_none(data_dir):
    assert seed("--without-databases")["databases"] == 0
    assert not list((data_dir / "orgs").glob("[a-z]*"))


def test_another_random_seed_makes_another_world(snapshot):
    seed("--random-seed", "1")
    first = ids()
    snapshot.restore()
    seed("--random-seed", "1")
    again = ids()
    snapshot.restore()
    seed("--random-seed", "2")

    assert first == again
    assert first != ids()


def test_it_adds_nothing_to_what_exists():
    make_organization("acme")

    assert refusal() == (1, "seed_refused")
    assert ids() == ["acme"]


def test_it_is_refused_outside_development(settings):
    settings.PULSE_STAGE = "private_beta"

    assert refusal() == (1, "seed_refused")


def test_tombstones_have_nobody():
    seed("--organizations", "200", "--without-databases")

    purged = Organization.objects.filter(status=Status.PURGED)
    assert purged.exists()
    assert not purged.exclude(display_name="", signup_email=None, memberships=None).exists()

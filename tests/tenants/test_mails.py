"""Mails to the owners of an organization about its lifecycle."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.core import mail

from pulse import outbox
from tenants import lifecycle, tasks
from tenants.models import Membership
from tests.factories import SYSTEM, UserFactory, make_member, make_organization, owner_of
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")


def tell(verb: str) -> int:
    """What the worker does with a queued mail; how many were written to."""
    told = tasks.mail_owners.call("acme", verb)
    assert outbox.deliver() == told
    return told


@pytest.mark.parametrize(
    ("state", "verb", "subject"),
    [
        ("suspended", "suspend", "Acme Ltd is suspended"),
        ("active", "unsuspend", "Acme Ltd is active again"),
        ("pending_deletion", "soft_delete", "Acme Ltd is going to be deleted"),
        ("active", "restore", "Acme Ltd is restored"),
        ("suspended", "restore", "Acme Ltd is restored"),
    ],
)
def test_the_owner_is_told(state, verb, subject) -> None:
    organization_in(state)
    assert tell(verb) == 1
    [sent] = mail.outbox
    assert (sent.subject, sent.to) == (subject, ["owner@acme.example"])
    assert "Organization: acme" in sent.body


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        ("active", "suspend"),
        ("pending_deletion", "suspend"),
        ("suspended", "unsuspend"),
        ("active", "soft_delete"),
        ("pending_deletion", "restore"),
        ("purged", "soft_delete"),
    ],
)
def test_nobody_is_told_what_is_not_true_any_more(state, verb) -> None:
    organization_in(state)
    assert tell(verb) == 0
    assert mail.outbox == []


def test_a_deletion_tells_its_date() -> None:
    make_organization("acme")
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC)):
        lifecycle.soft_delete("acme", actor=SYSTEM, retention_days=30)
        tell("soft_delete")
    assert "erased on 31 January 2030" in mail.outbox[0].body


def test_a_mail_says_whom_to_ask(settings) -> None:
    settings.PULSE_SUPPORT_CONTACT = "help@pulse.example"
    organization_in("suspended")
    tell("suspend")
    assert mail.outbox[0].body.splitlines()[2:] == [
        "Acme Ltd is suspended: its people cannot use the service until the suspension is lifted. "
        "All its data is kept.",
        "",
        "Organization: acme",
        "Whom to ask: help@pulse.example",
    ]


def test_each_owner_gets_a_mail_of_their_own_and_members_get_none() -> None:
    organization_in("suspended")
    second = UserFactory(email="second@acme.example")
    Membership.objects.create(user=second, organization_id="acme", is_owner=True)
    make_member("acme")
    assert tell("suspend") == 2
    assert sorted(sent.to for sent in mail.outbox) == [["owner@acme.example"], ["second@acme.example"]]


def test_an_owner_who_was_shut_out_is_not_written_to() -> None:
    organization_in("suspended")
    owner = owner_of("acme")
    owner.is_active = False
    owner.save()
    assert tell("suspend") == 0


def test_a_name_full_of_braces_is_a_name() -> None:
    make_organization("acme", name="{purge_after} {0} %s")
    lifecycle.suspend("acme", actor=SYSTEM)
    tell("suspend")
    assert mail.outbox[0].subject == "{purge_after} {0} %s is suspended"

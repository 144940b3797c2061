"""An operator sees an organization's single sign-on, and lets its owners in when it has locked itself out."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from pulse import tasks as pulse_tasks
from pulse.models import AuditEvent
from pulse.problems import PermissionRefused
from tenants.models import DomainClaim, Membership
from tenants.sso import configuration, rescue
from tenants.sso.errors import NoGroup
from tenants.sso.sign_in import refused
from tests.admin import said, sign_in, signed_in, text, who_may_open
from tests.api import Caller, code
from tests.factories import acting, make_organization, owner_of
from tests.tenants.sso.provider import SECRET

pytestmark = pytest.mark.usefixtures("database")

ISSUER = "https://idp.example"
PAGE = "/admin/tenants/organization/acme/sso/"
LET_IN = f"{PAGE}let_owners_in/"
REASON = {"reason": "ticket 4711, called back"}


@pytest.fixture
def acme(connect) -> None:
    """Its owner came by a provider that is gone; nobody gets in but by it."""
    connect("acme", issuer=ISSUER)
    owner = acting(owner_of("acme"))
    configuration.require_sso("acme", actor=owner)
    lapsed = timezone.now() - timedelta(days=1)
    Membership.objects.filter(organization="acme").update(is_emergency_owner=False, vouched_until=lapsed)


@pytest.fixture
def owner(acme: None) -> Caller:
    client = Client()
    sign_in(client, owner_of("acme"))
    return Caller(client, None)


def test_every_operator_sees_how_it_stands_and_nobody_the_secret(acme: None) -> None:
    assert who_may_open(PAGE) == {"support", "operator", "billing", "admin"}
    refused("acme", NoGroup(), request_id="5f0c9a4e7d21")
    pages = [text(signed_in().get(path)) for path in (PAGE, PAGE.replace("sso/", "change/"), LET_IN)]
    for shown in (ISSUER, "engineers", "acme.example", "proven", "sso_no_group", "5f0c9a4e7d21"):
        assert shown in pages[0]
    sealed = configuration.connection_of("acme").sealed_secret
    assert not any(SECRET in page or sealed in page for page in pages)


def test_a_domain_that_another_organization_holds_is_told_by_its_holder(acme: None) -> None:
    DomainClaim.objects.filter(domain="acme.example").update(verified_at=None)
    rival = make_organization("rival")
    DomainClaim.objects.create(organization=rival, domain="acme.example", verified_at=timezone.now())
    assert "/admin/tenants/organization/rival/" in text(signed_in().get(PAGE))


def test_the_owners_of_a_locked_out_organization_are_let_in_by_password(owner: Caller) -> None:
    assert code(owner.get("/api/org")) == (401, "sso_required")
    answer = signed_in("operator").post(LET_IN, REASON)
    assert said(answer) == ["Let in by password: owner@acme.example."]
    assert owner.get("/api/org").status_code == 200
    event = AuditEvent.objects.get(verb="sso.rescue", organization="acme")
    assert event.after["value"]["reason"] == REASON["reason"]
    changes = owner.get("/api/org/changes").json()["results"]
    assert changes[0]["verb"] == "sso.rescue"
    pulse_tasks.deliver_mails.call()
    assert [letter.to for letter in mail.outbox] == [["owner@acme.example"]]


def test_an_organization_that_is_not_locked_out_is_left_as_it_is(connect) -> None:
    connect("acme", issuer=ISSUER)
    assert "keeps no owner" in text(signed_in().get(LET_IN))
    assert "keeps no owner" in text(signed_in().post(LET_IN, REASON))
    assert configuration.emergency_owner("acme") is not None


def test_it_takes_a_reason_the_permission_and_a_recent_sign_in(acme: None) -> None:
    assert signed_in("support").post(LET_IN, REASON).status_code == 403
    with pytest.raises(PermissionRefused):
        rescue.let_owners_in("acme", actor=acting(owner_of("acme")), **REASON)
    operator = signed_in("operator")
    assert operator.post(LET_IN, {"reason": " "}).status_code == 200
    session = operator.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0}]
    session.save()
    assert operator.post(LET_IN, REASON)["Location"].startswith("/account/reauthenticate/")
    assert Membership.objects.get(organization="acme").vouched_until is not None

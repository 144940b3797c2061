"""What a session that a provider has opened reaches and proves, and for how long."""

import time

import pytest
import time_machine
from django.test import Client

from pulse.models import AuditEvent
from tenants import members
from tenants.models import Membership, Organization, User
from tests.api import code
from tests.factories import acting, make_organization, owner_of
from tests.needs import oidc_provider
from tests.tenants.accounts.people import browser_of, make_person
from tests.tenants.accounts.test_factors import code_of, enrol
from tests.tenants.sso.provider import ANN, Provider, sign_in

pytestmark = [pytest.mark.usefixtures("database"), oidc_provider]


@pytest.fixture
def ann(acme: Organization, provider: Provider) -> User:
    """She has a password, is of beta, too, and acme's provider has let her in before."""
    person = make_person(ANN["email"])
    Membership.objects.create(user=person, organization=acme)
    sign_in(provider, client=Client())
    Membership.objects.create(user=person, organization=make_organization("beta"))
    return person


def asks(client: Client, organization_id: str = "") -> tuple[int, str]:
    named = {"x-pulse-org-id": organization_id} if organization_id else {}
    answer = client.get("/api/org", headers={"accept": "application/json"} | named)
    return (200, "") if answer.status_code == 200 else code(answer)


def test_a_sign_in_that_waits_for_a_factor_adds_nothing_to_the_persons_own_session(ann, provider) -> None:
    own = browser_of(ann)
    secret = enrol(own)
    members.sign_out("beta", ann, actor=acting(owner_of("beta")))
    assert asks(own, "beta") == (401, "session_ended")
    assert sign_in(provider, client=own)["Location"] == "/account/2fa/authenticate/"
    assert asks(own, "beta") == (401, "not_authenticated")
    assert AuditEvent.objects.filter(verb="account.sign_out").exists()
    with time_machine.travel(time.time() + 30):
        own.post("/account/2fa/authenticate/", {"code": code_of(secret)})
    assert asks(own, "acme") == (200, "")
    assert asks(own, "beta") == (403, "access_denied")


def test_what_a_person_had_chosen_before_does_not_shut_them_out(ann, provider: Provider) -> None:
    own = browser_of(ann)
    own.post("/organization", {"organization": "beta"})
    sign_in(provider, client=own)
    assert asks(own) == (200, "")


def test_a_session_is_over_in_time_whatever_the_person_opens_elsewhere(connect, provider, browser) -> None:
    connect("acme", issuer=provider.issuer, session_minutes=5)
    sign_in(provider, client=browser)
    assert asks(browser) == (200, "")
    with time_machine.travel(time.time() + 5 * 60 + 1):
        sign_in(provider, client=(elsewhere := Client()))
        assert asks(elsewhere) == (200, "")
        assert asks(browser) == (401, "sso_required")
        sign_in(provider, client=browser)
        assert asks(browser) == (200, "")

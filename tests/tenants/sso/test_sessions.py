"""What a session that a provider has opened reaches and proves, and for how long."""

import time

import pytest
import requests
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
from tests.tenants.sso.provider import ANN, Provider, begin, come_back, refusal_of, sign_in, with_parameters

pytestmark = [pytest.mark.usefixtures("database"), oidc_provider]

# It asks for recent authentication.
SENSITIVE = "/organization/sso/configure/?from=a+test"


@pytest.fixture
def ann(acme: Organization, provider: Provider) -> User:
    """She has a password, is of beta, too, and acme's provider has let her in before."""
    person = make_person(ANN["email"])
    Membership.objects.create(user=person, organization=acme)
    sign_in(provider, client=Client())
    Membership.objects.create(user=person, organization=make_organization("beta"))
    return person


@pytest.fixture
def at_provider(acme, provider: Provider, browser: Client) -> requests.Session:
    """The browser's cookies there. Ann, an administrator, has signed in, there and here."""
    provider.knows(ann=ANN | {"groups": ["admins"]})
    cookies = requests.Session()
    come_back(browser, provider.lets_in(begin(browser), "ann", browser=cookies))
    return cookies


def asks_to_confirm(browser: Client) -> bool:
    answer = browser.get(SENSITIVE)
    return answer.status_code == 302 and answer["Location"].startswith("/account/reauthenticate/")


def confirm(browser: Client) -> str:
    """The address at the provider where the person is sent to from the page."""
    return begin(browser, browser.get(browser.get(SENSITIVE)["Location"])["Location"])


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


def test_an_answer_that_took_no_password_proves_nothing(at_provider, provider: Provider, browser) -> None:
    again = begin(browser)
    assert not provider.asks(again, at_provider)
    assert come_back(browser, provider.lets_in(again, "ann", browser=at_provider)).status_code == 302
    assert asks_to_confirm(browser)


def test_a_provider_that_says_that_it_has_just_asked_saves_a_confirmation(
    at_provider, provider: Provider, browser
) -> None:
    provider.answers(token={"auth_time": int(time.time())})
    sign_in(provider, client=browser)
    assert browser.get(SENSITIVE).status_code == 200


def test_a_person_confirms_at_the_provider_by_their_password_and_goes_on(
    at_provider, provider: Provider, browser
) -> None:
    address = confirm(browser)
    assert provider.asks(address, at_provider)
    answer = come_back(browser, provider.lets_in(address, "ann", browser=at_provider))
    assert answer["Location"] == SENSITIVE
    assert browser.get(SENSITIVE).status_code == 200


def test_whoever_has_the_provider_ask_nothing_confirms_nothing(at_provider, provider, browser) -> None:
    """The parameters are in an address of the browser's, where anybody may take them out."""
    address = with_parameters(confirm(browser), prompt="", max_age="")
    answer = come_back(browser, provider.lets_in(address, "ann", browser=at_provider))
    assert refusal_of(answer) == (403, "sso_not_asked_anew")
    assert asks_to_confirm(browser)


@pytest.mark.parametrize("told", [1_700_000_000, "now"])
def test_a_provider_that_does_not_say_that_it_has_just_asked_is_not_believed(
    at_provider, provider: Provider, browser, told
) -> None:
    address = confirm(browser)
    provider.answers(token={"auth_time": told})
    answer = come_back(browser, provider.lets_in(address, "ann", browser=at_provider))
    assert refusal_of(answer) == (403, "sso_not_asked_anew")
    assert asks_to_confirm(browser)


def test_a_confirmation_leads_to_no_other_host(at_provider, provider: Provider, browser) -> None:
    led = browser.get("/account/reauthenticate/", {"next": "https://evil.example/"})["Location"]
    answer = come_back(browser, provider.lets_in(begin(browser, led), "ann"))
    assert answer["Location"] == "/account/"


def test_a_session_that_the_provider_has_ended_stays_over_when_it_lets_the_person_in_again(
    at_provider, provider: Provider, browser
) -> None:
    provider.knows(ann=ANN | {"groups": []})
    sign_in(provider, client=Client())
    assert asks(browser) == (401, "sso_required")
    provider.knows(ann=ANN)
    sign_in(provider, client=(elsewhere := Client()))
    assert asks(elsewhere) == (200, "")
    assert asks(browser) == (401, "session_ended")


def test_a_person_with_a_factor_confirms_by_it_too_and_goes_on(ann, provider: Provider, browser) -> None:
    provider.knows(ann=ANN | {"groups": ["admins"]})
    secret = enrol(browser_of(ann))
    sign_in(provider, client=browser)
    with time_machine.travel(time.time() + 30):
        browser.post("/account/2fa/authenticate/", {"code": code_of(secret)})
    address = begin(browser, browser.get("/account/reauthenticate/", {"next": SENSITIVE})["Location"])
    assert come_back(browser, provider.lets_in(address, "ann"))["Location"] == "/account/2fa/authenticate/"
    assert browser.get("/account/2fa/authenticate/").status_code == 200
    with time_machine.travel(time.time() + 60):
        answer = browser.post("/account/2fa/authenticate/", {"code": code_of(secret)})
    assert answer["Location"] == SENSITIVE

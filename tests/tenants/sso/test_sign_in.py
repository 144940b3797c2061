"""People sign in by their organization's identity provider, a real one, and get what its groups give."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from billing import overrides
from pulse.models import AuditEvent
from rbac import assignments
from tenants import context, members
from tenants.models import Membership, Organization, User
from tenants.sso import configuration
from tests.api import Caller
from tests.api import code as code_of
from tests.factories import SYSTEM, acting, make_organization, member_token, owner_of
from tests.needs import oidc_provider
from tests.tenants.accounts.people import browser_of, make_person
from tests.tenants.accounts.test_factors import code_of as code_of_app
from tests.tenants.accounts.test_factors import enrol
from tests.tenants.sso.provider import ANN, Provider, begin, come_back, refusal_of, sign_in

pytestmark = [pytest.mark.usefixtures("database"), oidc_provider]

API = "/api/org"


def ann() -> User:
    return User.objects.get(email=ANN["email"])


def roles_of(user: User) -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal(str(user.public_id))


def status_of(client: Client, path: str = API, **headers: str) -> int:
    return client.get(path, headers={"accept": "application/json"} | headers).status_code


def json_of(client: Client) -> tuple[int, str]:
    return code_of(client.get(API, headers={"accept": "application/json"}))


def test_a_new_person_comes_in_with_the_roles_of_their_groups(acme, provider: Provider, browser) -> None:
    assert sign_in(provider, client=browser)["Location"] == "/account/"
    assert browser.get(API).json()["id"] == "acme"
    assert roles_of(ann()) == ["operator"]
    verbs = set(AuditEvent.objects.filter(organization="acme").values_list("verb", flat=True))
    assert {"sso.link", "sso.join", "sso.sign_in", "sso_role_assignment"} <= verbs


def test_the_groups_decide_anew_at_each_sign_in(acme, provider: Provider, browser) -> None:
    sign_in(provider, client=browser)
    with context.organization("acme"):
        assignments.assign(str(ann().public_id), roles=["operator", "viewer"], actor=SYSTEM)
    provider.knows(ann=ANN | {"groups": ["admins"]})
    sign_in(provider, client=browser)
    assert roles_of(ann()) == ["admin"]


@pytest.mark.parametrize("claims", [{"groups": ["gardeners"]}, {"groups": None}])
def test_without_a_group_that_counts_roles_and_sessions_are_over(acme, provider, browser, claims) -> None:
    sign_in(provider, client=browser)
    token = Caller(Client(), member_token("acme", ann()))
    provider.knows(ann={name: value for name, value in (ANN | claims).items() if value is not None})
    assert refusal_of(sign_in(provider, client=Client())) == (403, "sso_no_group")
    assert roles_of(ann()) == []
    assert json_of(browser) == (401, "sso_required")
    assert code_of(token.get(API)) == (401, "sso_required")


def test_a_stranger_without_a_group_takes_no_seat(acme, provider: Provider, browser) -> None:
    provider.knows(ann=ANN | {"groups": []})
    sign_in(provider, client=browser)
    assert not User.objects.filter(email=ANN["email"]).exists()


def test_a_leaver_is_out_when_the_session_lapses_and_back_by_the_provider(acme, provider, browser) -> None:
    sign_in(provider, client=browser)
    token = Caller(Client(), member_token("acme", ann()))
    with time_machine.travel(timezone.now() + timedelta(minutes=479)):
        assert token.get(API).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=481)):
        assert json_of(browser) == (401, "sso_required")
        assert code_of(token.get(API)) == (401, "sso_required")
    sign_in(provider, client=browser)
    assert token.get(API).status_code == 200


def test_a_sign_in_that_the_provider_refuses_ends_what_was_open(acme, provider, browser) -> None:
    sign_in(provider, client=browser)
    assert refusal_of(come_back(browser, provider.refuses(begin(browser)))) == (403, "sso_access_denied")
    assert json_of(browser) == (401, "sso_required")
    assert roles_of(ann()) == []


def test_an_administrator_ends_the_sessions_at_once(acme, provider, browser) -> None:
    sign_in(provider, client=browser)
    members.sign_out("acme", ann(), actor=acting(owner_of("acme")))
    assert json_of(browser) == (401, "session_ended")
    sign_in(provider, client=browser)
    assert status_of(browser) == 200


def test_a_session_reaches_no_other_organization_of_the_person(acme, provider, browser) -> None:
    sign_in(provider, client=browser)
    Membership.objects.create(user=ann(), organization=make_organization("beta"))
    assert status_of(browser, x_pulse_org_id="beta") == 403
    assert browser.post("/organization", {"organization": "beta"}).status_code == 403
    assert "beta" not in browser.get("/account/").content.decode()
    assert status_of(browser) == 200


def test_a_session_changes_nothing_of_the_account(acme, provider, browser) -> None:
    sign_in(provider, client=browser)
    for path in ("email/", "password/set/", "password/change/", "sessions/", "2fa/", "2fa/totp/activate/"):
        answer = browser.get("/account/" + path)
        assert answer.status_code == 403, path
        assert "sso_session" in answer.content.decode()


def test_a_second_factor_is_still_asked_for_and_the_session_confined_after_it(
    acme, provider, browser
) -> None:
    person = make_person(ANN["email"])
    Membership.objects.create(user=person, organization=acme)
    secret = enrol(browser_of(person))
    assert sign_in(provider, client=browser)["Location"] == "/account/2fa/authenticate/"
    assert status_of(browser) == 401
    with time_machine.travel(time.time() + 30):
        browser.post("/account/2fa/authenticate/", {"code": code_of_app(secret)})
    assert status_of(browser) == 200
    assert browser.get("/account/email/").status_code == 403


def test_no_seat_is_given_beyond_the_plan(acme, provider: Provider, browser) -> None:
    overrides.put("acme", {"limits": {"seats": 1}}, actor=SYSTEM, reason="a test")
    assert refusal_of(sign_in(provider, client=browser)) == (402, "seat_limit_reached")
    assert not User.objects.filter(email=ANN["email"]).exists()


def test_where_the_provider_alone_lets_in_a_password_opens_nothing(acme, provider, browser) -> None:
    bob = make_person("bob@acme.example")
    Membership.objects.create(user=bob, organization=acme)
    token = Caller(Client(), member_token("acme", bob))
    owner = owner_of("acme")
    owner_token = Caller(Client(), member_token("acme"))
    configuration.require_sso("acme", actor=acting(owner))
    assert json_of(browser_of(bob)) == (401, "sso_required")
    assert code_of(token.get(API)) == (401, "sso_required")
    assert owner_token.get(API).status_code == 200
    provider.knows(bob=ANN | {"email": bob.email})
    sign_in(provider, "bob", client=browser)
    assert status_of(browser) == 200
    assert token.get(API).status_code == 200
    assert json_of(browser_of(bob)) == (401, "sso_required")


def test_a_member_with_a_password_is_linked_and_then_vouched_for(acme, provider, browser) -> None:
    person = make_person(ANN["email"])
    Membership.objects.create(user=person, organization=acme)
    sign_in(provider, client=browser)
    assert status_of(browser) == 200
    with time_machine.travel(timezone.now() + timedelta(hours=9)):
        assert json_of(browser_of(person)) == (401, "sso_required")
    configuration.release("acme", person, actor=acting(owner_of("acme")))
    assert status_of(browser_of(person)) == 200
    assert json_of(browser) == (401, "sso_required")


def test_the_last_admin_stays_one_though_the_provider_says_otherwise(acme: Organization, provider) -> None:
    provider.knows(ann=ANN | {"groups": ["admins"]})
    sign_in(provider, client=Client())
    with context.organization("acme"):
        assignments.assign(str(owner_of("acme").public_id), roles=[], actor=SYSTEM)
    provider.knows(ann=ANN | {"groups": []})
    assert refusal_of(sign_in(provider, client=Client())) == (403, "sso_no_group")
    assert roles_of(ann()) == ["admin"]


def test_an_address_finds_its_organization_and_unknown_ones_are_answered_alike(acme, browser) -> None:
    found = browser.post("/account/sso/", {"email": ANN["email"]}).content.decode()
    assert 'href="/account/sso/acme/"' in found
    make_organization("beta")
    answers = {
        browser.post("/account/sso/", {"email": f"ann@{domain}"}).content.decode().replace(domain, "")
        for domain in ("beta.example", "nowhere.example")
    }
    assert len({answer.split("csrfmiddlewaretoken")[0] for answer in answers}) == 1
    assert [browser.get(f"/account/sso/{name}/").status_code for name in ("beta", "nowhere", "a%00b")] == [
        404
    ] * 3

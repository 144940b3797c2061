"""The gate's second and third steps: who asks, and for which organization."""

import pytest
from django.http import HttpResponse
from django.test import Client

from tenants import provisioning
from tenants.models import Membership
from tests.api import Caller, code
from tests.factories import (
    SYSTEM,
    UserFactory,
    make_operator,
    make_organization,
    member_token,
    operator_token,
    owner_of,
)
from tests.tenants.states import STEPS

pytestmark = pytest.mark.usefixtures("database")

HERE = "/api/org"
EDGE = "/edge/check"


@pytest.fixture
def browser(database: None) -> Caller:
    """The owner of `acme`, signed in."""
    make_organization("acme")
    client = Client()
    client.force_login(owner_of("acme"))
    return Caller(client, None)


def bring(state: str, organization_id: str = "acme") -> None:
    for step in STEPS[state]:
        step(organization_id)


def seen(answer: HttpResponse) -> tuple[int, bytes, dict[str, str]]:
    """All that a caller sees but the request's id."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, answer.content, headers


# Step 2: who


@pytest.mark.parametrize("path", [HERE, EDGE, "/api/org/members", "/api/org/roles"])
def test_nobody_is_refused(nobody: Caller, path) -> None:
    answer = nobody.get(path)
    assert code(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_an_inactive_users_session_is_nobodys(browser: Caller) -> None:
    user = owner_of("acme")
    user.is_active = False
    user.save()
    assert code(browser.get(HERE)) == (401, "not_authenticated")


# Step 3: which organization


@pytest.mark.parametrize("path", [HERE, EDGE])
@pytest.mark.parametrize("caller", ["token", "session"])
def test_ids_cannot_be_guessed(path, caller) -> None:
    make_organization("acme")
    for other, state in [("theirs", "active"), ("paused", "suspended"), ("gone", "purged")]:
        make_organization(other)
        bring(state, other)
    asking = Caller(Client(), operator_token() if caller == "token" else None)
    if caller == "session":
        asking.client.force_login(owner_of("acme"))
    asked = [
        "theirs",
        "paused",
        "gone",
        "nobody",
        "default",
        "ACME",
        "a/b",
        "x" * 5000,
        "a\x00",
        "é",
        "' OR 1=1 --",
    ]
    answers = [seen(asking.get(path, x_pulse_org_id=one)) for one in asked]
    assert answers == [answers[0]] * len(answers)
    assert answers[0][0] == 403
    assert b'"code": "access_denied"' in answers[0][1]


def test_a_header_chooses_among_ones_own(browser: Caller) -> None:
    make_organization("globex")
    Membership.objects.create(user=owner_of("acme"), organization_id="globex", is_owner=True)
    assert browser.get(EDGE, x_pulse_org_id="globex")["X-Pulse-Org-ID"] == "globex"
    assert browser.get(EDGE, x_pulse_org_id="acme")["X-Pulse-Org-ID"] == "acme"


def test_the_sessions_choice_stands_below_the_header(browser: Caller) -> None:
    make_organization("globex")
    Membership.objects.create(user=owner_of("acme"), organization_id="globex")
    session = browser.client.session
    session["organization"] = "globex"
    session.save()
    assert browser.get(EDGE)["X-Pulse-Org-ID"] == "globex"
    assert browser.get(EDGE, x_pulse_org_id="acme")["X-Pulse-Org-ID"] == "acme"


def test_a_sessions_choice_of_what_is_not_ones_own_is_refused(browser: Caller) -> None:
    make_organization("globex")
    session = browser.client.session
    session["organization"] = "globex"
    session.save()
    assert code(browser.get(EDGE)) == (403, "access_denied")


def test_a_token_stands_above_the_sessions_choice(browser: Caller) -> None:
    make_organization("globex")
    browser.token = member_token("globex")
    session = browser.client.session
    session["organization"] = "acme"
    session.save()
    assert browser.get(EDGE)["X-Pulse-Org-ID"] == "globex"


def test_the_only_organization_needs_no_choice(browser: Caller) -> None:
    assert browser.get(EDGE)["X-Pulse-Org-ID"] == "acme"


def test_a_purged_organization_is_none_to_choose(browser: Caller) -> None:
    make_organization("globex")
    bring("purged", "globex")
    Membership.objects.create(user=owner_of("acme"), organization_id="globex")
    assert browser.get(EDGE)["X-Pulse-Org-ID"] == "acme"
    assert code(browser.get(EDGE, x_pulse_org_id="globex")) == (403, "access_denied")


def test_one_of_several_organizations_without_a_choice_gets_the_default_one() -> None:
    provisioning.reconcile(actor=SYSTEM)
    person = UserFactory()
    for one in ("acme", "globex"):
        make_organization(one)
        Membership.objects.create(user=person, organization_id=one)
    caller = Caller(Client(), None)
    caller.client.force_login(person)
    assert code(caller.get(EDGE)) == (403, "access_denied")
    Membership.objects.create(user=person, organization_id="default")
    assert caller.get(EDGE)["X-Pulse-Org-ID"] == "default"


def test_one_of_no_organization_is_refused() -> None:
    caller = Caller(Client(), None)
    caller.client.force_login(UserFactory())
    assert code(caller.get(HERE)) == (403, "access_denied")


def test_an_operator_who_is_no_member_is_refused() -> None:
    make_organization("acme")
    caller = Caller(Client(), operator_token())
    assert code(caller.get(HERE, x_pulse_org_id="acme")) == (403, "access_denied")


def test_an_operators_session_is_no_members(database) -> None:
    make_organization("acme")
    caller = Caller(Client(), None)
    caller.client.force_login(make_operator())
    assert code(caller.get(HERE)) == (403, "access_denied")

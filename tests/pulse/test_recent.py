"""Sensitive verbs are refused to an open session until its person confirms that it is them."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from billing import overrides, subscriptions
from billing.models import Override
from pulse.problems import ReauthenticationRequired
from rbac import recovery
from tenants import people, reaper, tokens
from tenants.models import ApiToken, User
from tests.admin import sign_in
from tests.api import Caller, code
from tests.factories import acting, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

FORM = "/admin/tenants/organization/acme/billing/grant_grace/"
PASSWORD = "a long enough password"
CONFIRM = f"/account/reauthenticate/?next={FORM.replace('/', '%2F')}"
TOMORROW = {"until": "2999-01-01T00:00", "reason": "they called"}


@pytest.fixture
def browser() -> Client:
    """Of an operator whose session is a quarter of an hour old."""
    make_organization("acme")
    operator = make_operator("admin")
    operator.set_password(PASSWORD)
    operator.save()
    client = Client()
    with time_machine.travel(timezone.now() - timedelta(minutes=15, seconds=1)):
        sign_in(client, operator)
    return client


def test_a_form_of_a_sensitive_verb_leads_to_confirming_and_back(browser: Client) -> None:
    assert browser.get(FORM)["Location"] == CONFIRM
    assert browser.post(CONFIRM, {"password": PASSWORD, "next": FORM})["Location"] == FORM
    assert browser.get(FORM).status_code == 200
    assert browser.post(FORM, TOMORROW).status_code == 302
    assert Override.objects.count() == 1


def test_a_wrong_password_confirms_nothing(browser: Client) -> None:
    assert browser.post(CONFIRM, {"password": "another one", "next": FORM}).status_code == 200
    assert browser.get(FORM)["Location"] == CONFIRM


def test_sending_the_form_changes_nothing(browser: Client) -> None:
    assert browser.post(FORM, TOMORROW)["Location"] == CONFIRM
    assert not Override.objects.exists()


def test_a_dialog_sends_the_whole_page_to_confirm(browser: Client) -> None:
    answer = browser.get(FORM, headers={"hx-request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, CONFIRM)


def test_the_api_refuses_such_a_session_with_a_code(browser: Client) -> None:
    answer = browser.put(
        "/api/admin/orgs/acme/billing-state", {"subscription_state": "active"}, "application/json"
    )
    assert code(answer) == (403, "reauthentication_required")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/admin/orgs/acme/rbac/reset-admin", {"email": "owner@acme.example", "reason": "lost"}),
        ("/api/admin/reaper", {"live": True}),
    ],
)
def test_the_api_refuses_the_other_sensitive_verbs_too(path: str, body: object, browser: Client) -> None:
    assert code(browser.post(path, body, "application/json")) == (403, "reauthentication_required")


SUBSCRIPTION = "/admin/tenants/organization/acme/billing/set_subscription/"


@pytest.mark.parametrize("path", ["/admin/tenants/user/add/", "/admin/tenants/apitoken/add/", SUBSCRIPTION])
def test_no_operator_token_or_subscription_comes_of_an_old_session(path: str, browser: Client) -> None:
    assert browser.get(path)["Location"].startswith("/account/reauthenticate/")
    assert not ApiToken.objects.exists()


VERBS = {
    "people.create_operator": lambda actor, _: people.create_operator("a@b.example", groups=[], actor=actor),
    "people.change_groups": lambda actor, person: people.change_groups(person, groups=[], actor=actor),
    "people.remove_factors": lambda actor, person: people.remove_factors(person, actor=actor, reason="lost"),
    "tokens.create_for_operator": lambda actor, _: tokens.create_for_operator(
        actor.user, actor=actor, scopes=["read"]
    ),
    "recovery.issue": lambda actor, _: recovery.issue("acme", actor=actor, reason="locked out"),
    "overrides.move_plan": lambda actor, _: overrides.move_plan("acme", plan="team", actor=actor, reason="x"),
    "subscriptions.set_state": lambda actor, _: subscriptions.set_state("acme", state="active", actor=actor),
    "reaper.reap": lambda actor, _: list(reaper.reap(actor=actor)),
}


@pytest.mark.parametrize("verb", VERBS)
def test_the_verb_itself_asks_for_it(verb: str) -> None:
    make_organization("acme")
    root = User.objects.create_superuser("root@pulse.example")
    stale = replace(acting(root, door="admin"), recent=False)
    with pytest.raises(ReauthenticationRequired):
        VERBS[verb](stale, make_operator("support"))


def test_a_token_is_asked_nothing(operator: Caller) -> None:
    make_organization("acme")
    body = {"subscription_state": "active", "reason": "they paid"}
    assert operator.put("/api/admin/orgs/acme/billing-state", body).status_code == 200


def test_somebody_elses_confirmation_does_not_count(browser: Client) -> None:
    sign_in(browser, make_operator("admin"))
    browser.force_login(make_operator("admin"))
    assert browser.get(FORM)["Location"] == CONFIRM

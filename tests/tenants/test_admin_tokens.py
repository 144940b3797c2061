"""The admin's pages of API tokens: made and shown once, listed, revoked."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tenants.models import ApiToken, User
from tests.admin import GROUPS, said, signed_in, text, who_may_open, who_may_post
from tests.api import Caller
from tests.factories import make_operator, make_organization, member_token, owner_of

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/tenants/apitoken/"


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin")


def make(client: Client, **changes: object) -> str:
    """The page that answers the form."""
    make_organization("acme")
    wanted = {"email": "owner@acme.example", "organization": "acme", "scopes": ["read"], "expires_days": "90"}
    return text(client.post(f"{LIST}add/", wanted | changes))


def shown_token(page: str) -> str:
    return re.search(r'class="pulse-secret">(pulse_[^<]+)<', page)[1]


def test_everybody_reads_and_the_group_admin_makes_and_revokes() -> None:
    make_organization("acme")
    member_token("acme")
    token = ApiToken.objects.get()
    assert who_may_open(LIST) == set(GROUPS)
    assert who_may_open(f"{LIST}{token.pk}/change/") == set(GROUPS)
    assert who_may_post(f"{LIST}add/") == {"admin"}
    assert who_may_post(f"{LIST}{token.pk}/revoke/") == {"admin"}


def test_a_members_token_works_in_that_organization(admin: Client) -> None:
    token = shown_token(make(admin))
    assert Caller(Client(), token).get("/api/org").status_code == 200


def test_an_operators_token_works_in_the_operators_api(admin: Client) -> None:
    person = make_operator("support")
    token = shown_token(make(admin, email=person.email, organization="", expires_days=""))
    assert Caller(Client(), token).get("/api/admin/orgs").status_code == 200
    assert ApiToken.objects.get().expires_at is None


def test_the_text_is_shown_exactly_once(admin: Client) -> None:
    token = shown_token(make(admin))
    page = f"{LIST}{ApiToken.objects.get().pk}/change/"
    assert token not in text(admin.get(page)) + text(admin.get(LIST))


def test_the_page_that_shows_it_is_not_kept_by_a_cache(admin: Client) -> None:
    person = make_operator("support")
    answer = admin.post(f"{LIST}add/", {"email": person.email, "scopes": ["read"]})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"email": "who@acme.example"}, "There is no such person."),
        ({"organization": "nowhere"}, "There is no such organization."),
        ({"organization": ""}, "The user is not an operator."),
        ({"organization": "default"}, "The user is not a member of the organization."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["all"]}, "not one of the available choices"),
        ({"expires_days": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_token_is_refused_beside_what_was_typed(
    changes: dict[str, object], refusal: str, admin: Client
) -> None:
    assert refusal in make(admin, **changes)
    assert not ApiToken.objects.exists()


def test_nobody_makes_a_token_that_may_do_more_than_they(admin: Client) -> None:
    User.objects.create_superuser("root@pulse.example")
    seen = make(admin, email="root@pulse.example", organization="")
    assert "further than your own permissions" in seen
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_refused_from_the_next_request_on(admin: Client) -> None:
    token = shown_token(make(admin))
    page = f"{LIST}{ApiToken.objects.get().pk}/"
    answer = admin.post(f"{page}revoke/")
    assert said(answer) == [f"{token[:14]}… is revoked."]
    assert Caller(Client(), token).get("/api/org").status_code == 401
    assert f"{page}revoke/" not in text(admin.get(f"{page}change/"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"organization": "acme"}, True),
        ({"organization": "blue"}, False),
        ({"state": "usable"}, False),
        ({"state": "expired"}, True),
        ({"state": "revoked"}, False),
        ({"q": "owner@acme"}, True),
    ],
)
def test_tokens_are_found_by_organization_state_and_person(
    query: dict[str, str], found: bool, admin: Client
) -> None:
    make_organization("acme")
    member_token("acme", owner_of("acme"))
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert (ApiToken.objects.get().prefix in text(admin.get(LIST, query))) is found

"""The pages of API tokens: shown once, one's own alone, rotated side by side, and ended when they leak."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from rbac.errors import AccessRefused
from tenants import members
from tenants.errors import TokenNotFound
from tenants.models import ApiToken
from tests.admin import text
from tests.api import Caller
from tests.factories import acting, make_member, make_organization, member_token, owner_of
from tests.rbac.callers import make_role
from tests.tenants.pages.browsers import PAGE, browser_of, offered, refusal

pytestmark = pytest.mark.usefixtures("database")

TOKENS = "/organization/tokens/"
MAKE = TOKENS + "new/"
WANTED = {"name": "nightly import", "scopes": ["read"], "expires_days": 30}


@pytest.fixture
def owner(database: None) -> Client:
    """The browser of acme's owner."""
    make_organization("acme")
    return browser_of(owner_of("acme"))


def shown_in(response) -> str:
    """The token's text."""
    [found] = re.findall(r"pulse_[0-9A-Za-z]{49}", text(response))
    return found


def status_of(secret: str) -> int:
    return Caller(Client(), secret).get("/api/org").status_code


def path_of(token: ApiToken, verb: str) -> str:
    return f"{TOKENS}{token.pk}/{verb}/"


def test_a_token_is_made_and_works(owner: Client) -> None:
    secret = shown_in(owner.post(MAKE, WANTED))
    token = ApiToken.objects.get()
    assert (token.name, token.scopes, status_of(secret)) == ("nightly import", ["read"], 200)
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)


def test_its_text_is_shown_once_and_by_nobody_kept(owner: Client) -> None:
    answer = owner.post(MAKE, WANTED)
    secret, token = shown_in(answer), ApiToken.objects.get()
    assert "no-store" in answer["Cache-Control"]
    for path in (TOKENS, path_of(token, "rotate"), path_of(token, "revoke")):
        shown = text(owner.get(path))
        assert "nightly import" in shown
        assert secret not in shown


def test_the_list_tells_what_a_token_is(owner: Client) -> None:
    owner.post(MAKE, WANTED)
    assert ">never<" in text(owner.get(TOKENS))
    member_token("acme")
    shown = text(owner.get(TOKENS))
    assert "by you" in shown
    assert "by an operator" in shown
    assert "read, write" in shown or "check, read, write" in shown


def test_of_very_many_the_newest_are_shown(owner: Client) -> None:
    ApiToken.objects.bulk_create(
        ApiToken(
            user=owner_of("acme"), organization_id="acme", name=f"import {n}", token_hash=str(n), scopes=[]
        )
        for n in range(201)
    )
    page = text(owner.get(TOKENS))
    assert page.count("/revoke/") == 200
    assert "import 200" in page


def test_who_has_none_is_told_so(owner: Client) -> None:
    assert "You have none." in text(owner.get(TOKENS))


def test_what_cannot_be_is_refused_at_the_field(owner: Client) -> None:
    for field, value in (
        ("name", "a\r\nSet-Cookie: x"), ("name", "x" * 101), ("scopes", []), ("scopes", ["metrics"]),
        ("expires_days", 0),
    ):  # fmt: skip
        assert owner.post(MAKE, WANTED | {field: value}).context["form"].errors[field], value
    assert not ApiToken.objects.exists()


def test_making_one_asks_who_is_there(owner: Client) -> None:
    browser = Client(headers=PAGE)
    browser.force_login(owner_of("acme"))
    assert browser.post(MAKE, WANTED)["Location"].startswith("/account/reauthenticate/")
    assert not ApiToken.objects.exists()


def test_old_and_new_work_side_by_side_for_the_overlap(owner: Client) -> None:
    old = shown_in(owner.post(MAKE, WANTED))
    new = shown_in(owner.post(path_of(ApiToken.objects.get(), "rotate"), {"overlap_hours": 2}))
    assert (status_of(old), status_of(new)) == (200, 200)
    with time_machine.travel(timezone.now() + timedelta(hours=2, seconds=1)):
        assert (status_of(old), status_of(new)) == (401, 200)


def test_one_that_has_ended_is_not_rotated(owner: Client) -> None:
    owner.post(MAKE, WANTED)
    token = ApiToken.objects.get()
    owner.post(path_of(token, "revoke"))
    assert refusal(owner.post(path_of(token, "rotate"), {"overlap_hours": 2})) == (409, "token_over")


def test_it_is_revoked_by_a_button_and_listed_as_ended(owner: Client) -> None:
    secret, token = shown_in(owner.post(MAKE, WANTED)), ApiToken.objects.get()
    assert "refused from the next request on" in text(owner.get(path_of(token, "revoke")))
    assert status_of(secret) == 200
    assert "nightly import is revoked." in text(owner.post(path_of(token, "revoke"), follow=True))
    assert status_of(secret) == 401
    assert ">revoked<" in text(owner.get(TOKENS))


def test_tokens_of_others_are_not_there(owner: Client) -> None:
    owner.post(MAKE, WANTED)
    make_organization("globex")
    token = ApiToken.objects.get()
    make_role("maker", ("write", "tokens"), ("read", "tokens"))
    for browser in (browser_of(owner_of("globex")), browser_of(make_member("acme", roles=["maker"]))):
        assert token.prefix not in text(browser.get(TOKENS))
        for verb in ("rotate", "revoke"):
            assert refusal(browser.get(path_of(token, verb))) == (404, "not_found")
            assert refusal(browser.post(path_of(token, verb), {"overlap_hours": 0})) == (404, "not_found")
    assert ApiToken.objects.filter(revoked_at=None).count() == 1


def test_whoever_runs_the_members_ends_a_leaked_token_but_has_no_new_one_of_it(owner: Client) -> None:
    secret = member_token("acme", make_member("acme", roles=["operator"]))
    token = ApiToken.objects.get()
    assert token.prefix in text(owner.get(TOKENS))
    assert refusal(owner.post(path_of(token, "rotate"), {"overlap_hours": 0})) == (404, "not_found")
    owner.post(path_of(token, "revoke"))
    assert status_of(secret) == 401


def test_the_verb_holds_to_its_organization_and_to_who_runs_the_members(owner: Client) -> None:
    member_token("acme")
    token, viewer = ApiToken.objects.get(), make_member("acme", roles=["viewer"])
    make_organization("globex")
    with pytest.raises(AccessRefused):
        members.revoke_token("acme", token, actor=acting(viewer))
    with pytest.raises(TokenNotFound):
        members.revoke_token("globex", token, actor=acting(owner_of("globex")))
    assert ApiToken.objects.filter(revoked_at=None).count() == 1


def test_a_viewer_sees_their_tokens_and_makes_none(owner: Client) -> None:
    viewer = make_member("acme", roles=["viewer"])
    member_token("acme", viewer)
    browser = browser_of(viewer)
    assert offered(browser.get(TOKENS)) == set()
    assert refusal(browser.post(MAKE, WANTED)) == (403, "permission_denied")


def test_a_name_is_shown_as_text(owner: Client) -> None:
    owner.post(MAKE, WANTED | {"name": "<b>bold</b>"})
    assert "<b>bold" not in text(owner.get(TOKENS))


def test_the_api_knows_the_name_too(owner: Client) -> None:
    caller = Caller(Client(), member_token("acme"))
    assert caller.post("/api/org/tokens", {"name": "ci", "scopes": ["read"]}).json()["name"] == "ci"
    refused = caller.post("/api/org/tokens", {"name": "a\nb", "scopes": ["read"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_token_name")

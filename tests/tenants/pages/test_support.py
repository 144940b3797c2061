"""The page of support access: who looked in and why, an end to it, and whether it may write."""

import pytest
from django.test import Client

from tenants import support
from tenants.models import Organization, User
from tests.admin import text
from tests.factories import acting, make_member, make_operator, make_organization, owner_of
from tests.tenants.pages.browsers import browser_of, offered

pytestmark = pytest.mark.usefixtures("database")

SUPPORT = "/organization/support/"


@pytest.fixture
def owner(database: None) -> Client:
    """The browser of acme's owner."""
    make_organization("acme")
    return browser_of(owner_of("acme"))


@pytest.fixture
def operator(owner: Client) -> User:
    """Who looks into acme."""
    operator = make_operator("support")
    support.start("acme", reason="ticket 4711", actor=acting(operator))
    return operator


def test_who_looks_in_is_seen_with_the_reason_and_ended(owner: Client, operator: User) -> None:
    assert "ticket 4711" in text(owner.get(SUPPORT))
    assert "Support access has ended." in text(owner.post(SUPPORT + "end/", follow=True))
    assert support.look_of(operator, "acme") is None
    assert offered(owner.get(SUPPORT)) == {"Let support write"}


def test_support_is_let_write_and_only_read_again(owner: Client) -> None:
    for verb, allowed in (("let-write", True), ("let-only-read", False)):
        owner.post(f"{SUPPORT}{verb}/")
        assert Organization.objects.get(id="acme").support_may_write is allowed


def test_support_cannot_grant_itself_to_write(owner: Client, operator: User) -> None:
    support.let_write("acme", actor=acting(owner_of("acme")))
    browser = browser_of(operator)
    browser.post("/organization", {"organization": "acme"})
    assert browser.post(SUPPORT + "let-write/").status_code == 403
    assert offered(browser.get(SUPPORT)) == set()


def test_a_viewer_sees_it_and_changes_nothing(owner: Client, operator: User) -> None:
    viewer = browser_of(make_member("acme", roles=["viewer"]))
    shown = viewer.get(SUPPORT)
    assert "ticket 4711" in text(shown)
    assert offered(shown) == set()

"""Stories of support: a new operator adds a second factor, and one looks in on a customer who sees it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.mfa.totp.internal import auth as totp
from playwright.sync_api import expect

from tests.needs import chromium
from tests.processes import web_server
from tests.stories.conftest import staff
from tests.stories.operator import Operator, at_the_admin, changes_of

pytestmark = [pytest.mark.drill, chromium]

NOOR = "noor.haddad@pulse.example"


@pytest.fixture
def strict(tmp_path: Path, customers: None, settings) -> Iterator[str]:
    """A server that asks every operator for a second factor."""
    staff("support", NOOR)
    own = {"PULSE_SECRET_KEY": settings.SECRET_KEY, "PULSE_REQUIRE_OPERATOR_MFA": "true"}
    with web_server(tmp_path, workers=1, **own) as address:
        yield address


@pytest.fixture
def noor(strict: str, tmp_path: Path) -> Iterator[Operator]:
    with at_the_admin(strict, tmp_path) as operator:
        operator.sign_in(NOOR)
        yield operator


def enrol(operator: Operator) -> None:
    page = operator.page
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.goto(operator.base + "/admin/tenants/organization/")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("link", name="Add an authenticator app").click()
    secret = page.locator("code").inner_text()
    page.get_by_label("code").fill(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_label("I have saved them").check()
    page.goto(operator.base + "/admin/")


def test_a_new_operator_adds_a_factor_and_does_what_support_may(noor: Operator) -> None:
    enrol(noor)
    noor.find("harbour", "Harbour Clinics")
    noor.reads("Harbour Clinics", "Look in as support")
    expect(noor.page.locator("#header-inner").get_by_text("Suspend")).to_have_count(0)
    noor.keep_picture("support")
    noor.page.goto(noor.page.url.replace("/change/", "/suspend/"))
    expect(noor.page.get_by_text("403")).to_be_visible()


def test_support_looks_in_and_the_customer_sees_it(token: str, base: str, ada: Operator) -> None:
    ada.find("fjord", "Fjord Analytics")
    ada.do("Look in as support", reason="Ticket 4802: a role does not do what it says", minutes=20)
    ada.reads("You look into fjord-analytics until")
    assert "Ticket 4802" in changes_of(base, token)
    ada.keep_picture("looking-in")
    ada.page.goto(base + "/organization/members/")
    expect(ada.page.get_by_text("owner@fjord-analytics.example")).to_be_visible()
    expect(ada.page.get_by_role("link", name="Invite somebody")).to_have_count(0)

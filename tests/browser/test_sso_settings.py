"""An owner in Chromium sets single sign-on up at a real provider, and sees whom it let in and refused.

Every page on the way is looked at: by axe, in light and dark, at 320 px, and for what it asked for.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from playwright.sync_api import expect

from tenants.models import Membership, User
from tenants.sso.errors import NoGroup
from tenants.sso.sign_in import refused
from tests.browser.looking import Looked, looking_at
from tests.factories import make_member, make_organization, owner_of
from tests.needs import axe, chromium, oidc_provider
from tests.processes import web_server
from tests.tenants.sso.provider import CLIENT, SECRET, Provider, started

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill, chromium, axe, oidc_provider]

OWNER, PASSWORD = "owner@acme.example", "seven quiet herons"


@pytest.fixture
def acme(database: None) -> None:
    """With a proven domain and one that is not, a person of the provider, and somebody whom it refused."""
    organization = make_organization("acme")
    owner = owner_of("acme")
    owner.set_password(PASSWORD)
    owner.save()
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    now = timezone.now()
    organization.domain_claims.create(domain="acme.example", token="w6", verified_at=now, proven_at=now)
    organization.domain_claims.create(domain="acme-labs.example", token="k1Zt0nQmD3xUuY7sVhB2gLrA")
    ann = make_member("acme", roles=["operator"])
    User.objects.filter(pk=ann.pk).update(email="ann@acme.example")
    Membership.objects.filter(user=ann).update(vouched_until=now)
    refused("acme", NoGroup(), request_id="5f0c9a4e7d21")


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    with started(tmp_path / "node.log", callbacks=[]) as running:
        yield running


def go(seen: Looked, link: str, heading: str) -> None:
    seen.page.get_by_role("main").get_by_role("link", name=link, exact=True).click()
    expect(seen.page.get_by_role("heading", name=heading, level=1)).to_be_visible()


def press(seen: Looked, button: str, told: str) -> None:
    seen.page.get_by_role("button", name=button, exact=True).click()
    expect(seen.page.get_by_role("main")).to_contain_text(told)


def sign_in(seen: Looked) -> None:
    page = seen.page
    page.goto(seen.base + "/organization/sso/")
    page.get_by_label("Email").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    press(seen, "Sign in", "Single sign-on")


def set_up(seen: Looked, issuer: str) -> None:
    page = seen.page
    seen.look("sso-settings-begun")
    go(seen, "Name the provider", "Identity provider")
    page.get_by_label("Issuer").fill(issuer)
    page.get_by_label("Client id").fill(CLIENT)
    page.get_by_label("Client secret").fill(SECRET)
    seen.look("sso-settings-provider")
    press(seen, "Save", "The provider is named.")
    go(seen, "Test", "Test the provider")
    press(seen, "Test", "The provider can be used")
    seen.look("sso-settings-test")
    go(seen, "Back to single sign-on", "Single sign-on off")
    for group, role in (("engineers", "operator"), ("administrators", "admin")):
        go(seen, "Give a group a role", "Give the group the role")
        page.get_by_label("Group").fill(group)
        page.get_by_label("Role").select_option(role)
        seen.look("sso-settings-group")
        press(seen, "Give the group the role", "The group has the role")
    go(seen, "Name one", "Owner for emergencies")
    page.get_by_label("Owner").select_option(label=OWNER)
    seen.look("sso-settings-owner")
    press(seen, "Name the owner", f"{OWNER} is the owner for emergencies.")
    go(seen, "Enable sign-in", "Enable sign-in")
    press(seen, "Enable sign-in", "People sign in by your provider now.")
    go(seen, "Let nobody in by password", "Let nobody in by password")
    seen.look("sso-settings-require")
    press(seen, "Let nobody in by password", "Your provider alone lets people in.")
    page.goto(seen.base + "/organization/sso/")
    seen.look("sso-settings")


def test_an_owner_sets_single_sign_on_up(tmp_path: Path, acme: None, provider: Provider) -> None:
    with web_server(tmp_path, workers=1) as base, looking_at(base) as seen:
        sign_in(seen)
        set_up(seen, provider.issuer)
    assert seen.barriers == []
    assert seen.too_wide == []
    assert (seen.elsewhere, seen.kept_from) == ([], [])

"""In Chromium: a person signs in at a real provider, confirms it there, and is refused without a group.

What the policy of Pulse keeps a browser from, such as a form that leads to the provider, is seen only here.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from playwright.sync_api import expect

from tests.browser.looking import Looked, looking_at
from tests.needs import axe, chromium, oidc_provider
from tests.processes import web_server
from tests.tenants.sso.conftest import connected
from tests.tenants.sso.provider import ANN, START, Provider, started

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill, chromium, axe, oidc_provider]


def connect(issuer: str) -> None:
    """In a thread, because Django sees playwright's event loop in this one."""
    with ThreadPoolExecutor(1) as worker:
        worker.submit(connected, "acme", issuer=issuer).result()
        worker.submit(connections.close_all).result()


def go_to_the_provider(seen: Looked, email: str) -> None:
    page = seen.page
    page.goto(seen.base + "/account/login/")
    page.get_by_role("link", name="Sign in with your organization").click()
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Go on").click()


def sign_in(seen: Looked) -> None:
    go_to_the_provider(seen, ANN["email"])
    give_the_password(seen)


def give_the_password(seen: Looked) -> None:
    seen.page.get_by_placeholder("Enter any login").fill("ann")
    seen.page.get_by_placeholder("and password").fill("theirs")
    seen.page.get_by_role("button", name="Sign-in").click()


def is_refused_elsewhere(seen: Looked) -> None:
    seen.page.goto(seen.base + "/account/sso/")
    seen.look("sso")
    go_to_the_provider(seen, "ann@nowhere.example")
    expect(seen.page.get_by_text("No sign-in by an organization is set up")).to_be_visible()
    seen.look("sso-unknown")


def confirm(seen: Looked) -> None:
    """She is signed in at the provider, and asked once more."""
    seen.page.goto(seen.base + "/organization/sso/configure/")
    give_the_password(seen)
    expect(seen.page.get_by_role("heading", name="Identity provider")).to_be_visible()


def walk(seen: Looked, provider: Provider) -> None:
    is_refused_elsewhere(seen)
    provider.knows(ann=ANN | {"groups": ["admins"]})
    sign_in(seen)
    expect(seen.page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(seen.page.get_by_role("link", name="Acme Ltd", exact=True)).to_be_visible()
    seen.look("sso-account")
    confirm(seen)
    provider.knows(ann=ANN | {"groups": []})
    seen.page.goto(seen.base + START)
    expect(seen.page.get_by_text("None of your groups has a role here.")).to_be_visible()
    expect(seen.page.get_by_text("403 sso_no_group")).to_be_visible()
    seen.look("sso-refused")


def test_a_person_signs_in_by_their_organization(tmp_path, settings) -> None:
    with (
        web_server(tmp_path, PULSE_SECRET_KEY=settings.SECRET_KEY) as base,
        started(tmp_path / "node.log", callbacks=[f"{base}{START}callback/"]) as provider,
    ):
        connect(provider.issuer)
        with looking_at(base) as seen:
            walk(seen, provider)
            assert seen.barriers == []
            assert seen.too_wide == []
            assert seen.kept_from == []

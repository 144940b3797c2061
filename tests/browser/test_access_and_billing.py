"""An operator in Chromium gives a role, restores a database, and lays an override and takes it away again."""

from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.test_lifecycle import EMAIL, PASSWORD, answer, banner, confirm, dialog, press, signed_in
from tests.factories import make_operator, make_organization, member_token
from tests.needs import chromium
from tests.processes import bearer, web_server

pytestmark = [pytest.mark.usefixtures("database"), chromium]


@pytest.fixture
def token(database: None) -> str:
    """Of the owner of acme; an operator who may do everything is there to sign in, too."""
    operator = make_operator("admin", email=EMAIL)
    operator.set_password(PASSWORD)
    operator.save()
    make_organization("acme")
    return member_token("acme")


def tab(page: Page, name: str) -> None:
    page.locator(".pulse-tabs").get_by_role("link", name=name).click()


def row(page: Page, number: int, field: str):
    return page.locator(f"[name=permissions-{number}-{field}]")


def may_write(base: str, token: str, region: str) -> bool:
    """What acme's product is told of its bot just now."""
    question = {"user": "bot-7", "action": "write", "resource": "vms:7", "attributes": {"region": region}}
    reply = requests.post(base + "/api/org/check", json=question, **bearer(token))
    return reply.json()["allowed"]


def add_a_role(page: Page) -> None:
    tab(page, "Access")
    page.get_by_role("link", name="Add role").click()
    page.get_by_label("Id").fill("deployer")
    page.get_by_label("Name").fill("Deployer")
    row(page, 0, "action").fill("write")
    row(page, 0, "resource").fill("vms:*")
    row(page, 0, "conditions").fill('{"region": "eu"')
    page.get_by_role("button", name="More rows").click()
    expect(row(page, 5, "action")).to_be_visible()
    page.get_by_role("button", name="Add role").click()
    expect(page.locator("#dialog")).to_contain_text("This is not JSON.")
    row(page, 0, "conditions").fill('{"region": "eu"}')
    page.get_by_role("button", name="Add role").click()
    expect(page.get_by_text("The role deployer is made.")).to_be_visible()


def back_up(page: Page) -> None:
    tab(page, "Database")
    press(page, "Back up")
    dialog(page).get_by_role("textbox", name="Reason").fill("before the change")
    confirm(page, "Back up")
    expect(page.get_by_role("row", name="before the change")).to_be_visible()


def give_the_role(page: Page) -> None:
    tab(page, "Access")
    tab(page, "People")
    page.get_by_label("Search").fill("bot-7")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Open bot-7").click()
    press(page, "Change roles")
    dialog(page).get_by_label("Deployer (deployer)").check()
    confirm(page, "Change roles")
    expect(page.get_by_text("bot-7 has deployer.")).to_be_visible()


def restore_the_backup(page: Page) -> None:
    tab(page, "Database")
    page.get_by_role("row", name="before the change").get_by_role("link", name="Restore").click()
    dialog(page).get_by_role("textbox", name="Reason").fill("it was the wrong bot")
    dialog(page).get_by_label("Type acme to confirm").fill("acme")
    confirm(page, "Restore")
    expect(page.get_by_text("acme is restored to")).to_be_visible()


def lay_an_override(page: Page) -> None:
    tab(page, "Billing")
    expect(banner(page)).to_contain_text("Trial on trial v1: the service is in force")
    page.get_by_role("link", name="Override").click()
    page.get_by_label("State").select_option("suspended")
    page.get_by_role("button", name="Override").click()
    expect(page.locator("#dialog")).to_contain_text("This field is required.")
    page.get_by_role("textbox", name="Reason").fill("a fraud is looked into")
    page.get_by_role("button", name="Override").click()
    expect(banner(page)).to_contain_text("there is no service")


def revoke_it(page: Page) -> None:
    page.locator(".pulse-layers").get_by_role("link", name="Revoke").click()
    dialog(page).get_by_role("textbox", name="Reason").fill("there was none")
    confirm(page, "Revoke")
    expect(banner(page)).to_contain_text("the service is in force")


def test_access_database_and_billing_of_an_organization(tmp_path: Path, token: str) -> None:
    with web_server(tmp_path, workers=1) as base, signed_in(base) as (page, asked):
        page.goto(base + "/admin/tenants/organization/acme/change/")
        add_a_role(page)
        back_up(page)
        give_the_role(page)
        assert (may_write(base, token, "eu"), may_write(base, token, "us")) == (True, False)
        restore_the_backup(page)
        assert not may_write(base, token, "eu")

        lay_an_override(page)
        assert answer(base, token) == (402, "subscription_required")
        revoke_it(page)
        assert answer(base, token) == (200, "")
        assert [url for url in asked if not url.startswith((base, "data:"))] == []

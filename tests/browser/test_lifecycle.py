"""An operator in Chromium takes an organization through its lifecycle, and shuts and opens hosted mode."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect, sync_playwright

from tenants import bulk
from tests.browser.looking import FLAGS
from tests.factories import make_operator, make_organization, member_token
from tests.needs import chromium
from tests.processes import PATIENCE_SECONDS, bearer, web_server

pytestmark = [pytest.mark.usefixtures("database"), chromium]

EMAIL, PASSWORD = "olga@pulse.example", "a long enough password"


@pytest.fixture
def token(database: None) -> str:
    """Of the owner of acme; an operator is there to sign in, too."""
    operator = make_operator("operator", email=EMAIL)
    operator.set_password(PASSWORD)
    operator.save()
    make_organization("acme")
    return member_token("acme")


@contextmanager
def signed_in(base: str) -> Iterator[tuple[Page, list[str]]]:
    """The operator's page after signing in, and every address that it has asked for."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(base + "/admin/")
        page.get_by_label("Email").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Hosted mode is open")).to_be_visible()
        yield page, asked
        browser.close()


def answer(base: str, token: str) -> tuple[int, str]:
    """What a member of acme is told just now."""
    reply = requests.get(base + "/api/org", **bearer(token))
    return reply.status_code, reply.json().get("code", "")


def banner(page: Page):
    return page.locator(".pulse-banner")


def dialog(page: Page):
    return page.locator("#modal-content")


def press(page: Page, button: str) -> None:
    """A button of the page's header, which opens its dialog."""
    page.locator("#header-inner").get_by_role("link", name=button, exact=False).click()
    expect(dialog(page).get_by_role("button", name=button)).to_be_visible()


def confirm(page: Page, button: str) -> None:
    dialog(page).get_by_role("button", name=button).click()


def test_suspend_unsuspend_soft_delete_and_restore(tmp_path: Path, token: str) -> None:
    with web_server(tmp_path, workers=1) as base, signed_in(base) as (page, asked):
        page.get_by_role("link", name="Organizations").click()
        page.get_by_role("link", name="Acme Ltd").click()
        expect(banner(page)).to_contain_text("Active since")

        press(page, "Suspend")
        expect(dialog(page)).to_contain_text("1 member and 1 API token are refused")
        confirm(page, "Suspend")
        expect(dialog(page)).to_contain_text("This field is required.")
        dialog(page).get_by_role("textbox", name="Reason").fill("the invoice is unpaid")
        confirm(page, "Suspend")
        expect(banner(page)).to_contain_text("the invoice is unpaid")
        assert answer(base, token) == (403, "org_suspended")

        press(page, "Unsuspend")
        confirm(page, "Unsuspend")
        expect(banner(page)).to_contain_text("Active since")
        assert answer(base, token) == (200, "")

        press(page, "Soft-delete")
        dialog(page).get_by_role("textbox", name="Reason").fill("the customer left")
        dialog(page).get_by_label("Type acme to confirm").fill("acne")
        confirm(page, "Soft-delete")
        expect(dialog(page)).to_contain_text("This is not the organization's id")
        expect(dialog(page).get_by_role("textbox", name="Reason")).to_have_value("the customer left")
        dialog(page).get_by_label("Type acme to confirm").fill("acme")
        confirm(page, "Soft-delete")
        expect(banner(page)).to_contain_text("after 30 days of retention")
        assert answer(base, token) == (403, "org_pending_deletion")

        press(page, "Restore")
        confirm(page, "Restore")
        expect(banner(page)).to_contain_text("Active since")
        expect(page.locator(".pulse-timeline")).to_contain_text("organization.restore")
        assert answer(base, token) == (200, "")
        assert [url for url in asked if not url.startswith((base, "data:"))] == []


@pytest.mark.drill
def test_the_kill_switch_shuts_and_opens_hosted_routes(tmp_path: Path, token: str) -> None:
    with web_server(tmp_path, workers=1) as base, signed_in(base) as (page, asked):
        page.get_by_role("link", name="gate open").click()
        press(page, "Shut hosted mode")
        dialog(page).get_by_role("textbox", name="Reason").fill("a tenant reads another's data")
        confirm(page, "Shut hosted mode")
        expect(banner(page)).to_contain_text("the kill switch is on")
        assert answer(base, token) == (404, "not_found")

        press(page, "Reopen")
        confirm(page, "Reopen")
        expect(page.get_by_role("link", name="gate open")).to_be_visible()
        assert answer(base, token) == (200, "")
        assert [url for url in asked if not url.startswith((base, "data:"))] == []


@pytest.mark.drill
def test_a_selection_is_suspended_from_the_list(tmp_path: Path, token: str) -> None:
    with web_server(tmp_path, workers=1) as base, signed_in(base) as (page, _):
        page.goto(base + "/admin/tenants/organization/")
        for name in ("Acme Ltd", "Default"):
            page.get_by_role("row", name=name).get_by_role("checkbox").check()
        page.get_by_label("Select action to run").select_option("suspend")
        page.get_by_role("button", name="Run").click()
        expect(page.locator(".pulse-selection")).to_contain_text("1 will be skipped")
        page.get_by_role("textbox", name="Reason").fill("an incident")
        page.get_by_role("button", name="Suspend 1 organization").click()
        expect(page.get_by_role("status")).to_contain_text("0 of 2")
        # In a thread, because Playwright's own has an event loop, in which Django works on no database.
        with ThreadPoolExecutor() as worker:
            worker.submit(bulk.proceed).result()
        expect(page.get_by_role("status")).to_contain_text("2 of 2, finished")
        assert answer(base, token) == (403, "org_suspended")

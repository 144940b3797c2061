"""Somebody at the admin in Chromium, who finds pages, fills in forms and reads what is there."""

import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from django.db import connections
from playwright.sync_api import Download, Locator, Page, expect, sync_playwright

from tests.browser.looking import FLAGS
from tests.processes import PATIENCE_SECONDS, bearer

PASSWORD = "seven quiet herons"
LAPTOP: dict[str, Any] = {
    "viewport": {"width": 1366, "height": 900},
    "locale": "en-GB",
    "timezone_id": "Europe/Oslo",
}


class Operator:
    def __init__(self, page: Page, base: str, pictures: Path) -> None:
        self.page, self.base, self.pictures = page, base, pictures

    def sign_in(self, email: str) -> None:
        self.page.goto(self.base + "/admin/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def find(self, words: str, title: str) -> None:
        """By the palette, from the keyboard."""
        self.page.wait_for_load_state()
        self.page.keyboard.press("Control+k")
        self.page.get_by_placeholder("Type to search").press_sequentially(words)
        self.page.locator("#command-results").get_by_role("link", name=title).first.click()

    def open(self, link: str) -> None:
        """By a link of the sidebar or of the page."""
        self.page.get_by_role("link", name=link).first.click()

    def open_tab(self, title: str) -> None:
        self.page.locator(".pulse-tabs").get_by_role("link", name=title).click()

    def do(self, button: str, *, within: str = "", **fields: Any) -> None:
        """Press what opens a form over the page, fill the form in, and confirm; see it go through.

        `within` is what the line says of which it is the button.
        """
        self.ask(button, within=within)
        self.answer(**fields)
        expect(self.page.locator("#dialog")).to_have_count(0)

    def ask(self, button: str, *, within: str = "") -> None:
        """Press what opens a form over the page, and read it."""
        called = re.compile(rf"(^|\s){re.escape(button)}\s*$")
        buttons = self.page.locator("a[hx-get]").filter(has_text=called)
        if within:
            line = self.page.locator("li, tr").filter(has_text=within).filter(has=buttons).last
            buttons = line.locator("a[hx-get]").filter(has_text=called)
        buttons.first.click()
        expect(self.page.locator("#dialog")).to_be_visible()

    def answer(self, **fields: Any) -> None:
        """Fill in the form that is open, each field by its name, and send it."""
        form = self.page.locator("#dialog")
        for name, value in fields.items():
            _enter(form.locator(f"[name={name}]"), value)
        form.locator("[type=submit]").click()

    def reads(self, *words: str) -> None:
        """What the page says, beside its sidebar."""
        for one in words:
            expect(self.page.locator("#main")).to_contain_text(one)

    def reads_in_the_form(self, *words: str) -> None:
        for one in words:
            expect(self.page.locator("#dialog")).to_contain_text(one)

    def download(self, link: str) -> str:
        """What the file says that the link hands out."""
        with self.page.expect_download() as begun:
            self.open(link)
        download: Download = begun.value
        return download.path().read_text()

    def another_browser(self) -> Page:
        """Of somebody else."""
        return self.page.context.browser.new_page(**LAPTOP)

    def keep_picture(self, name: str, *, of: str = "") -> None:
        """As an operator with a laptop sees it, from the words `of` on."""
        if of:
            self.page.get_by_text(of).first.evaluate("one => one.scrollIntoView({block: 'start'})")
        self.page.screenshot(path=self.pictures / f"story-{name}.png", animations="disabled")


def _enter(field: Locator, value: Any) -> None:
    if value is True:
        field.check()
    elif field.evaluate("one => one.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(str(value))


@contextmanager
def at_the_admin(base: str, pictures: Path) -> Iterator[Operator]:
    """Their browser; pictures go where `PULSE_TEST_PICTURES` says, if it does."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    kept_in = Path(os.environ.get("PULSE_TEST_PICTURES", pictures))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(**LAPTOP)
        yield Operator(page, base, kept_in)
        browser.close()


def told(base: str, token: str, path: str = "/api/org") -> tuple[int, str]:
    """What a customer's product is answered just now."""
    reply = requests.get(base + path, **bearer(token))
    return reply.status_code, reply.json().get("code", "")


def changes_of(base: str, token: str) -> str:
    """The customer's own changelog, as they read it."""
    return requests.get(base + "/api/org/changes", **bearer(token)).text


def meanwhile(work, *arguments: Any, **named: Any) -> Any:
    """What the work returns; in a thread, because Django sees playwright's event loop in this one."""
    with ThreadPoolExecutor(1) as worker:
        try:
            return worker.submit(work, *arguments, **named).result()
        finally:
            worker.submit(connections.close_all).result()

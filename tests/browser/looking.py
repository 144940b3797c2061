"""What a browser finds on a page: barriers, by axe; what it asked for, and what its policy kept it from."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.processes import PATIENCE_SECONDS

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# axe's own words for what keeps somebody from using a page.
SERIOUS = {"serious", "critical"}
NARROW, PHONE, WIDE = (
    {"width": 320, "height": 700}, {"width": 400, "height": 800}, {"width": 1366, "height": 800},
)  # fmt: skip


class Looked:
    """A browser's page, and all that was found wrong with what it has shown."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.barriers: list[str] = []
        self.elsewhere: list[str] = []
        self.kept_from: list[str] = []
        self.too_wide: list[str] = []
        page.add_init_script(path=os.environ["PULSE_TEST_AXE"])
        page.on("request", lambda request: self._asked(request.url))
        page.on("console", lambda message: self._said(message.text))

    def look(self, name: str) -> None:
        """Ask axe in light and dark, and whether 320 px are enough; keep pictures where some are wanted."""
        self.barriers += [f"{name}: {found}" for found in self._axe({"resultTypes": ["violations"]})]
        self._turn("dark")
        # Of all that axe asks, colours alone are others in the dark.
        self.barriers += [f"{name}, dark: {found}" for found in self._axe({"runOnly": ["color-contrast"]})]
        self.page.set_viewport_size(PHONE)
        self._picture(f"{name}-dark")
        self._turn("light")
        self.page.set_viewport_size(NARROW)
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.too_wide.append(name)
        self._picture(f"{name}-narrow")
        self.page.set_viewport_size(WIDE)
        self._picture(f"{name}-light")

    def _picture(self, name: str) -> None:
        if folder := os.environ.get("PULSE_TEST_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def _turn(self, scheme: str) -> None:
        self.page.emulate_media(color_scheme=scheme)
        # The admin asks which it is when it is loaded, and keeps the answer as a class.
        self.page.evaluate(
            "dark => document.documentElement.classList.toggle('dark', dark)", scheme == "dark"
        )

    def _axe(self, options: dict[str, Any]) -> list[str]:
        found = self.page.evaluate("options => axe.run(document, options)", options)["violations"]
        return [
            f"{one['id']} at {', '.join(str(node['target']) for node in one['nodes'])}"
            for one in found
            if one["impact"] in SERIOUS
        ]

    def _asked(self, url: str) -> None:
        if not url.startswith((self.base, "data:")):
            self.elsewhere.append(url)

    def _said(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.kept_from.append(text)


@contextmanager
def looking_at(base: str) -> Iterator[Looked]:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield Looked(browser.new_page(viewport=WIDE), base)
        browser.close()

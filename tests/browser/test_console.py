"""Every page of the admin that a link leads to, and every form, as an operator finds them who may do all.

Each is looked at: by axe, in light and dark, at 320 px, and for what it asked for.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.urls import resolve
from playwright.sync_api import expect

from billing import overrides
from billing.models import State
from pulse import saved_filters
from pulse.actors import Actor
from rbac import backups
from runbooks import incidents, seeding, verdicts
from tenants import bulk, invitation_codes, lifecycle, support
from tests.billing.admin import make_event
from tests.browser.looking import Looked, looking_at
from tests.factories import SYSTEM, acting, make_member, make_operator, make_organization, member_token
from tests.needs import axe, chromium
from tests.processes import web_server
from tests.runbooks.conftest import repository as repository
from tests.runbooks.world import Repository, approve, drilled, ready

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill, chromium, axe]

EMAIL, PASSWORD = "ada.lindqvist@pulse.example", "seven quiet herons"
FIRST = (
    "/admin/",
    "/admin/tenants/organization/acme/change/",
    "/admin/tenants/organization/gone/change/",
    "/admin/tenants/organization/shut/change/",
)
# They hand out files or parts of pages, or end the session.
NO_PAGES = ("export", "output", "logout", "search", "clocks", "preview", "times", "journal")


def lived_in(repository: Repository, ada: Actor) -> None:
    """Rows for every list, in the states that offer most."""
    seeding.seed(
        organizations=20, events=200, random_seed=7, databases=False, actor=SYSTEM,
        progress=lambda rows, *_: rows,
    )  # fmt: skip
    for organization_id in ("acme", "gone", "shut"):
        make_organization(organization_id)
    make_member("acme", roles=["viewer"])
    member_token("acme")
    backups.make("acme", actor=ada, reason="Before they move their roles over")
    overrides.add("acme", overrides.Wanted(state=State.ACTIVE), actor=SYSTEM, reason="Agreed with sales")
    support.start("acme", reason="Ticket 4711: the import does not start", actor=ada)
    lifecycle.suspend("shut", actor=ada, reason="The invoice is unpaid")
    lifecycle.soft_delete("gone", actor=ada, reason="The customer left", retention_days=7)
    bulk.start("verify", ["acme", "default"], actor=ada)
    bulk.proceed()
    bulk.start("suspend", ["acme", "default"], actor=ada, reason="To be looked into")
    invitation_codes.make(actor=ada, note="Met at the trade fair")
    make_event()
    incidents.open_by_hand(
        title="Acme sees invoices of Shut", playbook="p1-cross-tenant-leak", organizations=["acme"], actor=ada
    )
    saved_filters.save("tenants.organization", name="Suspended", query="status__exact=suspended", actor=ada)
    ready()
    verdicts.sign("private_beta", actor=SYSTEM, reason="Every drill has passed")
    approve(repository.packet())
    drilled("lifecycle-round-trip", state="failed")
    drilled("lifecycle-round-trip")


@pytest.fixture
def base(database: None, repository: Repository, tmp_path: Path) -> Iterator[str]:
    person = make_operator("admin", email=EMAIL)
    person.set_password(PASSWORD)
    person.save()
    lived_in(repository, acting(person, door="admin"))
    with web_server(tmp_path, workers=1, PULSE_LANES_DIR=settings.PULSE_LANES_DIR) as address:
        yield address


def sign_in(seen: Looked) -> None:
    seen.page.goto(seen.base + "/admin/")
    seen.page.get_by_label("Email").fill(EMAIL)
    seen.page.get_by_label("Password").fill(PASSWORD)
    seen.page.get_by_role("button", name="Sign in", exact=True).click()
    seen.page.get_by_role("heading", name="Hosted mode is open").wait_for()


def leads_to(seen: Looked) -> list[str]:
    """The admin's addresses that the page's links and the buttons of its forms name."""
    found = seen.page.eval_on_selector_all(
        "a[href], [hx-get]",
        "all => all.map(one => new URL(one.getAttribute('hx-get') ?? one.href, location).href)",
    )
    paths = [one.removeprefix(seen.base).partition("#")[0] for one in found if one.startswith(seen.base)]
    return [path for path in paths if path.startswith("/admin/")]


def kind_of(path: str) -> str:
    """Which page it is, whatever row it shows."""
    found = resolve(urlsplit(path).path)
    return f"{found.view_name}-{found.kwargs.get('action', '')}".strip("-")


def walk(seen: Looked) -> dict[str, int]:
    """Look at one page of every kind; with what status each was answered."""
    waiting, statuses = deque(FIRST), {}
    known: set[str] = set()
    while waiting:
        path = waiting.popleft()
        # An organization's page offers other things in each state.
        kind = path if path in FIRST else kind_of(path)
        if kind in known or kind.endswith(NO_PAGES):
            continue
        known.add(kind)
        statuses[path] = seen.page.goto(seen.base + path).status
        seen.look(kind_of(path).replace(":", "-"))
        waiting.extend(leads_to(seen))
    return statuses


def test_every_page_can_be_used_by_anybody(base: str) -> None:
    with looking_at(base) as seen:
        sign_in(seen)
        statuses = walk(seen)
    assert len(statuses) > 100
    assert {path: status for path, status in statuses.items() if status != 200} == {}
    assert seen.barriers == []
    assert seen.too_wide == []
    assert (seen.elsewhere, seen.kept_from) == ([], [])


def press(seen: Looked, *keys: str) -> None:
    for key in keys:
        seen.page.keyboard.press(key)


def tab_to(seen: Looked, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(60):
        press(seen, "Tab")
        focus = seen.page.locator("*:focus")
        if focus.count() and focus.inner_text().strip().endswith(name):
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def test_an_operator_needs_no_mouse(base: str) -> None:
    """From the sign-in to a suspension that is taken back."""
    with looking_at(base) as seen:
        page = seen.page
        page.goto(base + "/admin/")
        page.get_by_label("Email").focus()
        page.keyboard.type(EMAIL)
        press(seen, "Tab")
        expect(page.get_by_label("Password")).to_be_focused()
        page.keyboard.type(PASSWORD)
        press(seen, "Enter")
        page.get_by_role("heading", name="Hosted mode is open").wait_for()
        page.wait_for_load_state()
        press(seen, "Control+k")
        expect(page.get_by_placeholder("Type to search")).to_be_focused()
        page.keyboard.type("acme")
        page.locator("#command-results").get_by_role("link", name="Acme Ltd").wait_for()
        page.wait_for_load_state("networkidle")
        press(seen, "ArrowDown", "Enter")
        page.get_by_role("heading", name="Active since").wait_for()
        tab_to(seen, "Suspend")
        press(seen, "Enter")
        page.locator("#dialog").wait_for()
        expect(page.locator("#dialog [name=reason]")).to_be_focused()
        page.keyboard.type("The invoice is unpaid")
        tab_to(seen, "Suspend")
        press(seen, "Enter")
        page.get_by_role("heading", name="Suspended since").wait_for()
        tab_to(seen, "Undo: unsuspend")
        press(seen, "Enter")
        tab_to(seen, "Unsuspend")
        press(seen, "Enter")
        page.get_by_role("heading", name="Active since").wait_for()

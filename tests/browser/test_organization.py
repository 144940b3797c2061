"""An owner in Chromium runs their organization: members, invitations and tokens, once by the keyboard alone.

Every page on the way is looked at: by axe, in light and dark, at 320 px, and for what it asked for.
"""

from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import expect

from tenants import invitations, support
from tenants.models import User
from tests.browser.looking import Looked, looking_at
from tests.factories import (
    SYSTEM,
    acting,
    make_member,
    make_operator,
    make_organization,
    member_token,
    owner_of,
)
from tests.needs import axe, chromium
from tests.processes import web_server

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill, chromium, axe]

OWNER, PASSWORD = "owner@acme.example", "seven quiet herons"

VERBS = {
    "Change roles": "Roles of Carla Cole",
    "Make an owner": "Make Carla Cole an owner",
    "Transfer ownership": "Transfer ownership to Carla Cole",
    "Sign out": "Sign Carla Cole out",
    "Remove": "Remove Carla Cole",
}


@pytest.fixture
def acme(database: None) -> None:
    """An organization with an owner who has a password, some members, an invitation and a token."""
    make_organization("acme")
    owner = owner_of("acme")
    owner.name = "Olive Owner"
    owner.set_password(PASSWORD)
    owner.save()
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    for name, roles in (("Ben Brook", ["operator"]), ("Carla Cole", ["viewer", "auditor"])):
        User.objects.filter(pk=make_member("acme", roles=roles).pk).update(name=name)
    invitations.invite("acme", email="dora@example.com", roles_given=["viewer"], actor=SYSTEM)
    supporter = acting(make_operator("support"))
    support.start("acme", reason="ticket 4711: the import does not start", actor=supporter)
    member_token("acme", User.objects.get(name="Ben Brook"))


def heading(seen: Looked, name: str) -> None:
    expect(seen.page.get_by_role("heading", name=name, level=1)).to_be_visible()


def press(seen: Looked, button: str) -> None:
    seen.page.get_by_role("button", name=button, exact=True).click()


def go(seen: Looked, link: str) -> None:
    seen.page.get_by_role("link", name=link).click()


def told(seen: Looked, what: str) -> None:
    expect(seen.page.locator(".messages")).to_contain_text(what)


def sign_in(seen: Looked) -> None:
    seen.page.goto(seen.base + "/organization/members/")
    heading(seen, "Sign in")
    seen.page.get_by_label("Email").fill(OWNER)
    seen.page.get_by_label("Password").fill(PASSWORD)
    press(seen, "Sign in")
    heading(seen, "Members")


def tab_to(seen: Looked, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText"
                              ).strip().rstrip(":") == name:  # fmt: skip
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def invite_by_keyboard(seen: Looked) -> None:
    keyboard = seen.page.keyboard
    tab_to(seen, "Invite somebody")
    keyboard.press("Enter")
    heading(seen, "Invite somebody")
    tab_to(seen, "Email")
    keyboard.type("emil@example.com")
    tab_to(seen, "Viewer")
    keyboard.press("Space")
    tab_to(seen, "Send the invitation")
    keyboard.press("Enter")
    told(seen, "An invitation is on its way to emil@example.com.")


def look_at_members(seen: Looked) -> None:
    seen.look("organization-members")
    go(seen, "Invite somebody")
    seen.look("organization-invite")
    seen.page.get_by_label("Email").fill("dora@example.com")
    press(seen, "Send the invitation")
    expect(seen.page.get_by_text("409 already_invited")).to_be_visible()
    seen.look("organization-invite-refused")
    go(seen, "Members")
    go(seen, "Revoke the invitation to dora@example.com")
    seen.look("organization-invitation-revoke")
    press(seen, "Revoke")
    told(seen, "is revoked")
    seen.page.goto(seen.base + "/organization/members/?q=c")
    seen.page.get_by_label("Name or email").fill("carla")
    press(seen, "Search")
    expect(seen.page.get_by_role("link", name="Ben Brook")).to_have_count(0)
    seen.look("organization-members-found")


def look_at_a_member(seen: Looked) -> None:
    go(seen, "Carla Cole")
    seen.look("organization-member")
    for link, title in VERBS.items():
        seen.page.get_by_role("main").get_by_role("link", name=link).click()
        heading(seen, title)
        seen.look(f"organization-{title.split()[0].lower()}")
        if link != "Remove":
            go(seen, "Cancel")
    press(seen, "Remove")
    told(seen, "Carla Cole is no member any more.")
    go(seen, "Leave Acme Ltd")
    press(seen, "Leave")
    told(seen, "409 last_owner")
    seen.look("organization-leave-refused")


def look_at_tokens(seen: Looked) -> None:
    go(seen, "API tokens")
    go(seen, "Make an API token")
    seen.look("organization-token-new")
    seen.page.get_by_label("Name").fill("nightly import")
    seen.page.get_by_label("read: see what you may see here").check()
    press(seen, "Make the token")
    heading(seen, "Your token")
    seen.look("organization-token-once")
    go(seen, "I have saved it")
    seen.look("organization-tokens")
    go(seen, "Rotate")
    heading(seen, "Rotate nightly import")
    seen.look("organization-token-rotate")
    press(seen, "Rotate")
    go(seen, "I have saved it")
    seen.page.get_by_role("link", name="Revoke").last.click()
    seen.look("organization-token-revoke")
    press(seen, "Revoke")
    told(seen, "is revoked")


def look_at_support(seen: Looked) -> None:
    go(seen, "Support")
    seen.look("organization-support")
    go(seen, "Let support write")
    seen.look("organization-support-write")
    press(seen, "Let support write")
    told(seen, "Support may write.")


def test_an_owner_runs_their_organization(tmp_path: Path, acme: None) -> None:
    with web_server(tmp_path, workers=1) as base, looking_at(base) as seen:
        sign_in(seen)
        invite_by_keyboard(seen)
        look_at_members(seen)
        look_at_a_member(seen)
        look_at_tokens(seen)
        look_at_support(seen)
        go(seen, "Your account")
        seen.look("organization-account")
    assert seen.barriers == []
    assert seen.too_wide == []
    assert (seen.elsewhere, seen.kept_from) == ([], [])

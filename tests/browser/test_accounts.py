"""A person in Chromium signs up, adds a passkey and an app, signs in by it, and forgets the password.

Every page on the way is looked at: by axe, in light and dark, at 320 px, and for what it asked for.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core import mail
from django.db import connections
from playwright.sync_api import expect

from pulse import tasks as pulse_tasks
from tenants import tasks
from tests.browser.looking import Looked, looking_at
from tests.needs import axe, chromium
from tests.processes import web_server

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill, chromium, axe]

ANN, PASSWORD, OTHER = "ann@example.com", "seven quiet herons", "eleven loud pelicans"


def worked(job, *arguments: object) -> None:
    """Done as by a worker: in a thread, because Django sees playwright's event loop in this one."""
    with ThreadPoolExecutor(1) as worker:
        worker.submit(job, *arguments).result()
        worker.submit(connections.close_all).result()


def mailed_link(seen: Looked) -> str:
    """The address of the link in the last mail, on this server."""
    worked(tasks.answer_signups.call)
    worked(pulse_tasks.deliver_mails.call)
    return seen.base + re.search(r"http://127\.0\.0\.1:8000(\S+)", mail.outbox[-1].body)[1]


def heading(seen: Looked, name: str) -> None:
    expect(seen.page.get_by_role("heading", name=name, level=1)).to_be_visible()


def press(seen: Looked, button: str) -> None:
    seen.page.get_by_role("button", name=button, exact=True).click()


def sign_up(seen: Looked) -> None:
    page = seen.page
    page.goto(seen.base + "/signup")
    seen.look("signup")
    page.get_by_label("Email").fill("nonsense")
    page.get_by_label("Organization").fill("Acme Ltd")
    press(seen, "Sign up")
    expect(page.get_by_text("This is not a valid e-mail address.")).to_be_visible()
    seen.look("signup-refused")
    page.get_by_label("Email").fill(ANN)
    press(seen, "Sign up")
    heading(seen, "Look into your mail")
    seen.look("signup-sent")
    page.goto(mailed_link(seen))
    heading(seen, "Make Acme Ltd")
    seen.look("signup-finish")
    page.get_by_label("Password").fill(PASSWORD)
    press(seen, "Make the organization")
    heading(seen, "Your account")
    seen.look("account")


def add_factors(seen: Looked) -> None:
    """A passkey, kept by Chromium's own authenticator, and recovery codes with it."""
    page = seen.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.get_by_role("link", name="Second factor").click()
    heading(seen, "Second factor")
    seen.look("factors")
    page.get_by_role("link", name="Add an authenticator app").click()
    heading(seen, "Add an authenticator app")
    seen.look("factor-app")
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Add a security key").click()
    heading(seen, "Add a security key")
    seen.look("factor-key")
    page.get_by_label("Name").fill("My laptop")
    page.get_by_label("Passwordless").check()
    press(seen, "Add it")
    heading(seen, "Recovery codes")
    seen.look("recovery-codes")
    page.get_by_label("I have saved them").check()
    page.get_by_role("link", name="Second factor").click()
    expect(page.get_by_text("1 security key")).to_be_visible()
    page.get_by_role("link", name="Security keys").click()
    seen.look("factor-keys")


def other_pages(seen: Looked) -> None:
    for link in ("Email", "Password", "Sessions"):
        seen.page.get_by_role("navigation").get_by_role("link", name=link).click()
        heading(seen, link)
        seen.look(link.lower())


def sign_out_and_in(seen: Looked, password: str) -> None:
    page = seen.page
    page.get_by_role("link", name="Sign out").click()
    heading(seen, "Sign out")
    seen.look("sign-out")
    press(seen, "Sign out")
    heading(seen, "Sign in")
    seen.look("sign-in")
    page.get_by_label("Email").fill(ANN)
    page.get_by_label("Password").fill("wrong")
    press(seen, "Sign in")
    expect(page.get_by_text("are not correct")).to_be_visible()
    seen.look("sign-in-refused")
    page.get_by_label("Password").fill(password)
    press(seen, "Sign in")
    by_passkey(seen)


def by_passkey(seen: Looked) -> None:
    heading(seen, "Confirm that it is you")
    seen.look("second-factor")
    press(seen, "Use a security key")
    heading(seen, "Your account")


def sign_in_by_passkey_alone(seen: Looked) -> None:
    seen.page.get_by_role("link", name="Sign out").click()
    press(seen, "Sign out")
    press(seen, "Sign in with a passkey")
    heading(seen, "Your account")


def forget_the_password(seen: Looked) -> None:
    page = seen.page
    page.get_by_role("link", name="Sign out").click()
    press(seen, "Sign out")
    page.get_by_role("link", name="Forgot your password?").click()
    heading(seen, "Set a new password")
    seen.look("reset")
    page.get_by_label("Email").fill(ANN)
    press(seen, "Mail me a link")
    heading(seen, "Look into your mail")
    seen.look("reset-sent")
    worked(tasks.mail_password_reset.call, ANN)
    link = mailed_link(seen)
    page.goto(link)
    heading(seen, "Set a new password")
    seen.look("reset-link")
    page.get_by_label("New Password:", exact=True).fill(OTHER)
    page.get_by_label("New Password (again)").fill(OTHER)
    press(seen, "Set the password")
    by_passkey(seen)
    page.goto(link)
    heading(seen, "This link is not valid")
    seen.look("reset-link-invalid")
    page.goto(seen.base + "/account/reauthenticate/")
    heading(seen, "Confirm that it is you")
    seen.look("confirm")


def test_a_person_finds_their_way(tmp_path: Path, settings) -> None:
    # The jobs, which sign the links, run here.
    shared = {"PULSE_SECRET_KEY": settings.SECRET_KEY, "PULSE_SIGNUP_DIRECT": "false"}
    with web_server(tmp_path, workers=1, **shared) as address:
        # A passkey belongs to a name, and an address is none.
        base = address.replace("127.0.0.1", "localhost")
        with looking_at(base) as seen:
            sign_up(seen)
            add_factors(seen)
            other_pages(seen)
            sign_out_and_in(seen, PASSWORD)
            sign_in_by_passkey_alone(seen)
            forget_the_password(seen)
    assert seen.barriers == []
    assert seen.too_wide == []
    assert (seen.elsewhere, seen.kept_from) == ([], [])

"""Every mail about an account, as a mail program shows it: none keeps anybody from reading it."""

from urllib.parse import quote

import pytest

from pulse.models import Mail
from tenants.accounts.letters import LETTERS, post
from tests.browser.looking import looking_at
from tests.needs import axe, chromium

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill, chromium, axe]

# What any of them tells of.
WORDS = {
    "deleted_email": "ann@example.com",
    "domain": "acme.example",
    "from_email": "ann@example.com",
    "reason": "ticket 4711: the import does not start",
    "to_email": "ann@elsewhere.example",
    "until": "14:02 UTC",
    "what": "read, and change nothing",
}
# Side by side in one picture, each under its subject. A mail's own body gives this one its width.
SHEET = """<!doctype html><html lang="en"><title>Mails</title><style>
body {{ max-width: none !important; background: #eee; color: #000 }}
main {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 20px }}
article {{ background: #fff; border: 1px solid #ccc; padding: 20px }}
h2 {{ font-size: 17px; border-bottom: 1px solid #ddd }}</style><main>{}</main></html>"""


def test_every_mail_can_be_read_by_anybody() -> None:
    for name, letter in LETTERS.items():
        link = "https://pulse.example.com/" if letter.action else ""
        post(name, "ann@example.com", link=link, organization="acme-ltd", **WORDS)
    mails = list(Mail.objects.order_by("pk"))
    shown = "".join(f"<article><h2>{mail.subject}</h2>{mail.html}</article>" for mail in mails)
    with looking_at("https://pulse.example.com") as seen:
        seen.page.goto("data:text/html," + quote(SHEET.format(shown)))
        seen.look("accounts-mails")
    assert len(mails) == len(LETTERS)
    assert seen.barriers == []
    assert (seen.too_wide, seen.elsewhere) == ([], [])

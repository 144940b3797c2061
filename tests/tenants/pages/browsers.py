"""People of an organization in their browsers, and what its pages show them."""

import re

from django.http import HttpResponse
from django.test import Client

from tenants.models import User
from tests.admin import sign_in, text

PAGE = {"accept": "text/html"}
MEMBERS = "/organization/members/"


def browser_of(person: User) -> Client:
    """One in which they have just signed in."""
    client = Client(headers=PAGE)
    sign_in(client, person)
    return client


def page_of(person: User, part: str = "") -> str:
    return f"{MEMBERS}{person.public_id}/{part}"


def offered(response: HttpResponse) -> set[str]:
    """What the buttons and links of the page's content say, without what only screen readers are told."""
    content = re.sub(r'<span class="unseen">.*?</span>', "", text(response).split("<main", 1)[1])
    found = re.findall(r"<(?:button|a)[^>]*>([^<]+)</(?:button|a)>", content)
    return {one.strip() for one in found}


def refusal(response: HttpResponse) -> tuple[int, str]:
    """The status, and the code that the page names beside it."""
    [(status, code)] = re.findall(r"<code>(\d{3}) (\w+)</code>", text(response))
    assert int(status) == response.status_code
    return response.status_code, code

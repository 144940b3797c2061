"""Operators in the admin, within the process: signed in by group, their pages as text."""

import time

from django.contrib.messages import get_messages
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants.models import User
from tests.factories import make_operator

GROUPS = ("support", "operator", "billing", "admin")


def signed_in(group: str = "admin", *, email: str | None = None) -> Client:
    """The browser of a new operator of the group."""
    client = Client(headers={"accept": "text/html"})
    sign_in(client, make_operator(group, email=email))
    return client


def sign_in(client: Client, user: User) -> None:
    """As by a password just now."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def text(response: HttpResponse) -> str:
    return response.content.decode()


def said(response: HttpResponse) -> list[str]:
    """The messages that the next page shows."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def queries(client: Client, path: str, *, also: str = "default") -> int:
    """How many queries the page takes, of the control database and of another, once it was open before."""
    client.get(path)
    with (
        CaptureQueriesContext(connections["default"]) as ours,
        CaptureQueriesContext(connections[also]) as theirs,
    ):
        assert client.get(path).status_code == 200
    return len(ours) + (len(theirs) if also != "default" else 0)


def who_may_open(path: str) -> set[str]:
    """The groups to whom the address answers 200; the others get 403."""
    answers = {group: signed_in(group).get(path).status_code for group in GROUPS}
    assert set(answers.values()) <= {200, 403}, answers
    return {group for group, status in answers.items() if status == 200}


def who_may_post(path: str) -> set[str]:
    """The groups whose empty form is read and found wanting, or carried out; the others get 403."""
    answers = {group: signed_in(group).post(path, {}).status_code for group in GROUPS}
    assert set(answers.values()) <= {200, 302, 403}, answers
    return {group for group, status in answers.items() if status != 403}

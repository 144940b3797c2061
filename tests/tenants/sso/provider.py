"""The identity provider of the tests, npm's oidc-provider, and people who sign in by it."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit, urlunsplit

import requests
from django.http import HttpResponse
from django.test import Client

from tests.processes import free_port, running, wait_for

PULSE = "http://127.0.0.1:8000"
CLIENT, SECRET = "pulse", "a secret that the provider and Pulse share"
START = "/account/sso/acme/"
ANN = {"email": "ann@acme.example", "email_verified": True, "name": "Ann", "groups": ["engineers"]}


class Provider:
    """`issuer` is where it answers, on loopback."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def knows(self, **people: dict[str, Any]) -> None:
        requests.post(self.issuer + "/people", json=people, timeout=5).raise_for_status()

    def answers(self, **lies: Any) -> None:
        """Lies in these of its answers, and in no other."""
        requests.post(self.issuer + "/answers", json=lies, timeout=5).raise_for_status()

    def lets_in(self, address: str, login: str, *, browser: requests.Session | None = None) -> str:
        """Where the provider sends the browser of a person who gives it their password, if it asks."""
        browser = browser or requests.Session()
        answer = _followed(browser, address)
        if answer.headers.get("Location"):
            return answer.headers["Location"]
        form = re.search(r'action="([^"]+)"', answer.text)[1]
        given = {"prompt": "login", "login": login, "password": "theirs"}
        answer = browser.post(urljoin(answer.url, form), data=given, allow_redirects=False, timeout=5)
        return _followed(browser, urljoin(answer.url, answer.headers["Location"])).headers["Location"]

    def asks(self, address: str, browser: requests.Session) -> bool:
        """Whether it asks for a password, in a browser in which somebody may be signed in there."""
        return "Location" not in _followed(browser, address).headers

    def refuses(self, address: str) -> str:
        """Where it sends the browser of one whom it does not let in."""
        browser = requests.Session()
        answer = _followed(browser, address)
        abort = re.search(r'href="([^"]+/abort)"', answer.text)[1]
        return _followed(browser, urljoin(answer.url, abort)).headers["Location"]


def _followed(browser: requests.Session, address: str) -> requests.Response:
    """The first answer that is a page, or leads back to Pulse."""
    while True:
        answer = browser.get(address, allow_redirects=False, timeout=5)
        following = answer.headers.get("Location")
        if not following or following.startswith(PULSE):
            return answer
        address = urljoin(answer.url, following)


@contextmanager
def started(log: Path, *, callbacks: list[str]) -> Iterator[Provider]:
    port = free_port()
    given = {
        "modules": os.environ["PULSE_TEST_OIDC_PROVIDER"],
        "port": port,
        "clients": [{"id": CLIENT, "secret": SECRET, "callbacks": callbacks}],
    }
    script = Path(__file__).with_suffix(".mjs")
    issuer = f"http://127.0.0.1:{port}"
    discovery = issuer + "/.well-known/openid-configuration"
    with running(["node", str(script), json.dumps(given)], env=os.environ, log=log):
        wait_for(lambda: requests.get(discovery, timeout=2).ok, what="the identity provider", log=log)
        yield Provider(issuer)


def begin(client: Client, start: str = START) -> str:
    """The address at the provider to which Pulse sends the browser."""
    answer = client.get(start)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def sign_in(provider: Provider, login: str = "ann", *, client: Client) -> HttpResponse:
    """Pulse's answer at the end of a sign-in."""
    return come_back(client, provider.lets_in(begin(client), login))


def come_back(client: Client, address: str) -> HttpResponse:
    return client.get(address.removeprefix(PULSE))


def with_parameters(address: str, **changes: str) -> str:
    parts = urlsplit(address)
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return urlunsplit(parts._replace(query=urlencode(given | changes)))


def refusal_of(answer: HttpResponse) -> tuple[int, str]:
    """The status, and the code that the page shows to a person."""
    return answer.status_code, re.search(r"<code>\d+ (\w+)</code>", answer.content.decode())[1]

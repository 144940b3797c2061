"""Whether an address is known cannot be told by how long an answer takes: 500 tries of each, in turns."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from time import perf_counter

import pytest
from django.test import Client

from tenants.accounts import attempts
from tenants.models import User
from tests.factories import make_organization
from tests.tenants.accounts.people import make_person

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill]

TRIES = 500
# How often the one takes longer than the other; half of the time when nothing separates them.
SEPARATE = 0.10
NO_LIMIT = "1000000/second"

Ask = Callable[[str], object]


@pytest.fixture(autouse=True)
def no_limits(settings, monkeypatch) -> None:
    """The limits count known and unknown alike, and would end the measurement."""
    for name in ("PULSE_SIGNUP_RATE", "PULSE_SIGNUP_EMAIL_RATE", "PULSE_SIGNUP_CEILING"):
        setattr(settings, name, NO_LIMIT)
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PULSE_SIGNUP_DIRECT = False
    for name in ("PER_STRANGER", "PER_ACCOUNT", "PER_ADDRESS"):
        monkeypatch.setattr(attempts, name, (NO_LIMIT,))


def seconds(ask: Ask, email: str) -> float:
    started = perf_counter()
    ask(email)
    return perf_counter() - started


def advantage(ask: Ask) -> float:
    """How far from half is the share of pairs in which the known address took longer."""
    known, unknown = [], []
    for number in range(TRIES):
        pair = [(known, f"person{number}@known.example"), (unknown, f"person{number}@other.example")]
        for times, email in pair if number % 2 else reversed(pair):
            times.append(seconds(ask, email))
    unknown.sort()
    wins = sum(bisect_left(unknown, one) + bisect_right(unknown, one) for one in known) / 2
    return abs(wins / TRIES**2 - 0.5)


def test_signing_up() -> None:
    for number in range(TRIES):
        make_organization(f"known-{number}", email=f"person{number}@known.example")
    client = Client()

    def ask(email: str) -> None:
        body = {"email": email, "org_name": "Acme"}
        assert client.post("/api/public/signup", body, content_type="application/json").status_code == 202

    assert advantage(ask) < SEPARATE


def test_asking_for_a_new_password() -> None:
    for number in range(TRIES):
        make_person(f"person{number}@known.example")
    client = Client()
    assert advantage(lambda email: client.post("/account/password/reset/", {"email": email})) < SEPARATE


def test_signing_in_with_a_wrong_password(settings) -> None:
    settings.PASSWORD_HASHERS = ["tenants.accounts.passwords.Hasher"]
    one_hash = make_person("person0@known.example").password
    settings.PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
    for number in range(1, TRIES):
        make_person(f"person{number}@known.example")
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
    User.objects.update(password=one_hash)
    client = Client()
    wrong = {"password": "wrong"}
    assert advantage(lambda email: client.post("/account/login/", wrong | {"login": email})) < SEPARATE

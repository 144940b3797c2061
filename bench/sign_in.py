"""What a sign-in costs: argon2 at the chosen cost, to Django's own, and a whole sign-in to its hash alone."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client

from bench import ground
from bench.measure import alternately, median
from bench.results import Result, run
from tenants.accounts import attempts
from tenants.accounts.passwords import Hasher
from tenants.models import User

EMAIL, PASSWORD = "ann@example.com", "seven quiet herons"
# One person signs in here more often than anybody may.
attempts.PER_STRANGER = attempts.PER_ACCOUNT = attempts.PER_ADDRESS = ("1000000/second",)


def measure() -> list[Result]:
    ours, django = Hasher(), Argon2PasswordHasher()
    chosen, usual = alternately(
        lambda: ours.encode(PASSWORD, "0123456789abcdef"),
        lambda: django.encode(PASSWORD, "0123456789abcdef"),
        rounds=30,
        title="a password's hash",
    )
    whole, alone = alternately(
        _sign_in(), lambda: ours.encode(PASSWORD, "0123456789abcdef"), rounds=50, title="a sign-in"
    )
    return [
        Result("a password's hash, to that at Django's cost", median(chosen), median(usual), "µs", 1.0),
        Result("a whole sign-in, to its hash alone", median(whole), median(alone), "µs", 2.0),
    ]


def _sign_in() -> Callable[[], None]:
    """The whole of it over HTTP, in this process, by somebody with a verified address."""
    from allauth.account.models import EmailAddress

    ground.migrate()
    user = User.objects.create_user(EMAIL, PASSWORD)
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)

    browser = Client(headers={"host": "localhost"})

    def sign_in() -> None:
        browser.cookies.clear()
        answer = browser.post("/account/login/", {"login": EMAIL, "password": PASSWORD})
        if answer.status_code != HTTPStatus.FOUND:
            raise SystemExit(f"nobody was signed in: {answer.status_code}")

    return sign_in


if __name__ == "__main__":
    run(measure)

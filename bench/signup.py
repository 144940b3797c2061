"""Sign-up's uniqueness at 100,000 organizations to that at 100: the time must not grow with the tenants."""

import itertools

from django.conf import settings
from django.db import connections
from rich.console import Console

from bench import ground
from bench.measure import alternately, median
from bench.results import Result, run
from tenants import signups

FEW, MANY = 100, 100_000

numbers = itertools.count()
# What an address and everybody together may ask for is not what is measured.
settings.PULSE_SIGNUP_EMAIL_RATE = settings.PULSE_SIGNUP_CEILING = "1000000/second"


class Installation:
    """A control database of so many organizations in a data directory of its own, entered at will."""

    def __init__(self, organizations: int) -> None:
        self.organizations = organizations
        self.folder = ground.DATA / str(organizations)
        self.folder.mkdir()
        connections["default"].close()
        settings.DATABASES["default"]["NAME"] = str(self.folder / "pulse.db")
        self.connection = connections.create_connection("default")
        self.enter()
        ground.migrate()
        ground.fill(organizations)

    def enter(self) -> None:
        settings.PULSE_DATA_DIR = self.folder
        connections["default"] = self.connection

    def sign_up_anew(self) -> None:
        self.enter()
        self._sign_up(f"new-{next(numbers)}@example.com")

    def sign_up_again(self) -> None:
        """An e-mail that has asked before: the look-up of uniqueness, and nothing is made."""
        self.enter()
        number = next(numbers) * 7919 % self.organizations + 1
        self._sign_up(f"owner@tenant-{number}.example")

    def _sign_up(self, email: str) -> None:
        signups.sign_up(email=email, name="Example", actor=ground.ACTOR)


def measure() -> list[Result]:
    with Console(stderr=True).status(f"{MANY:,} organizations"):
        few, many = Installation(FEW), Installation(MANY)
    again_many, again_few = alternately(
        many.sign_up_again, few.sign_up_again, rounds=600, title="sign-up of a known e-mail"
    )
    new_many, new_few = alternately(
        many.sign_up_anew, few.sign_up_anew, rounds=150, title="sign-up of a new e-mail"
    )
    among = f"at {MANY:,} organizations, to {FEW}"
    return [
        Result(f"sign-up of a known e-mail {among}", median(again_many), median(again_few), "µs", 1.2),
        Result(f"sign-up of a new e-mail {among}", median(new_many), median(new_few), "µs", 1.2),
    ]


if __name__ == "__main__":
    run(measure)

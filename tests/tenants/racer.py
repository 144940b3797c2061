"""A process that suspends each organization whose id it reads, and says whether it won or why not."""

import sys

import django


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def race() -> None:
    django.setup()
    from pulse.problems import Problem
    from tenants import lifecycle
    from tests.factories import SYSTEM

    say("ready")
    for line in sys.stdin:
        try:
            lifecycle.suspend(line.strip(), actor=SYSTEM)
            outcome = "won"
        except Problem as problem:
            outcome = f"{problem.status} {problem.code}"
        say(outcome)


if __name__ == "__main__":
    race()

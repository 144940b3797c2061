"""A process that accepts each invitation whose id it reads for its person, and says how that went."""

import sys

import django


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def join() -> None:
    django.setup()
    from pulse.problems import Problem
    from tenants import invitations
    from tenants.models import Invitation, User
    from tests.factories import acting

    say("ready")
    for line in sys.stdin:
        invitation = Invitation.objects.get(pk=line.strip())
        user = User.objects.get(email=invitation.email)
        try:
            invitations.accept(invitation, user=user, actor=acting(user))
            outcome = "joined"
        except Problem as problem:
            outcome = f"{problem.status} {problem.code}"
        say(outcome)


if __name__ == "__main__":
    join()

"""Two people at once, in two processes: the last seat is one's, and so is the last owner's place."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from billing import overrides
from pulse.problems import Problem
from tenants import invitations, members
from tenants.models import Membership, User
from tests.factories import SYSTEM, UserFactory, acting, make_member, make_organization, owner_of
from tests.processes import ROOT, environment

pytestmark = pytest.mark.usefixtures("database")

ROUNDS = 6


@pytest.fixture
def joiners(database: None) -> Iterator[list["subprocess.Popen[str]"]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.tenants.joiner"],
            cwd=ROOT,
            env=environment(DJANGO_SETTINGS_MODULE="pulse.settings"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _ in range(2)
    ]
    try:
        assert [answer(joiner) for joiner in started] == ["ready", "ready"]
        yield started
    finally:
        for joiner in started:
            joiner.communicate(timeout=30)


def answer(joiner: "subprocess.Popen[str]") -> str:
    return joiner.stdout.readline().strip()


def test_the_last_seat_is_given_once_each_time(joiners) -> None:
    make_organization("acme")
    for number in range(ROUNDS):
        overrides.put("acme", {"limits": {"seats": number + 2}}, actor=SYSTEM, reason="a race")
        for name, joiner in zip("ab", joiners, strict=True):
            email = UserFactory(email=f"{name}{number}@example.com").email
            invitation = invitations.invite("acme", email=email, roles_given=["viewer"], actor=SYSTEM)
            joiner.waiting = invitation.pk
        for joiner in joiners:
            joiner.stdin.write(f"{joiner.waiting}\n")
        assert sorted(map(answer, joiners)) == ["402 seat_limit_reached", "joined"]
    assert Membership.objects.filter(organization="acme").count() == ROUNDS + 1


def leave(user: User) -> str:
    try:
        members.leave("acme", actor=acting(user))
    except Problem as problem:
        return problem.code
    else:
        return "left"
    finally:
        connections.close_all()


def test_of_two_owners_who_leave_at_once_one_stays() -> None:
    make_organization("acme")
    first, second = owner_of("acme"), make_member("acme", roles=["admin"])
    make_member("acme", roles=["admin"])
    members.add_owner("acme", second, actor=SYSTEM)
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(leave, (first, second))) == ["last_owner", "left"]

"""Two people at once, in two processes: the last seat is one's, and so is the last owner's place."""

from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from django.db import connections

from billing import overrides
from pulse import faults
from pulse.problems import Problem
from rbac import assignments
from tenants import context, invitations, members
from tenants.models import Invitation, Membership, User
from tests.children import child
from tests.factories import SYSTEM, UserFactory, acting, make_member, make_organization, owner_of

pytestmark = pytest.mark.usefixtures("database")

ROUNDS = 6


def join(invitation_id: int) -> str:
    invitation = Invitation.objects.get(pk=invitation_id)
    user = User.objects.get(email=invitation.email)
    invitations.accept(invitation, user=user, actor=acting(user))
    return "joined"


def test_the_last_seat_is_given_once_each_time() -> None:
    make_organization("acme")
    with child() as first, child() as second:
        for number in range(ROUNDS):
            overrides.put("acme", {"limits": {"seats": number + 2}}, actor=SYSTEM, reason="a race")
            invited = [
                invitations.invite(
                    "acme",
                    email=UserFactory(email=f"{name}{number}@example.com").email,
                    roles_given=["viewer"],
                    actor=SYSTEM,
                )
                for name in "ab"
            ]
            for joiner, invitation in zip((first, second), invited, strict=True):
                joiner.begin(join, invitation.pk)
            assert sorted([first.end(), second.end()]) == ["joined", "seat_limit_reached"]
    assert Membership.objects.filter(organization="acme").count() == ROUNDS + 1


def give(user: User) -> str:
    try:
        with context.organization("acme"):
            assignments.assign(str(user.public_id), roles=["admin"], actor=SYSTEM)
    except Problem as problem:
        return problem.code
    else:
        return "given"
    finally:
        connections.close_all()


def test_whoever_is_being_removed_is_given_no_roles_any_more() -> None:
    """Their roles are gone and open to be written, and the membership is not yet."""
    make_organization("acme")
    bob = make_member("acme", roles=["viewer"])
    with ThreadPoolExecutor(1) as threads:
        giving: list[Future[str]] = []

        def begin_giving() -> None:
            giving.append(threads.submit(give, bob))
            wait(giving, timeout=0.3)

        faults.arm("member.roles_withdrawn", begin_giving)
        members.remove("acme", bob, actor=SYSTEM)
        assert giving[0].result() == "not_a_member"


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

"""Packets: implemented by one, approved by another on the same clean commit, stale when the evidence ages."""

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from pulse.models import AuditEvent
from pulse.problems import PermissionRefused, ReasonRequired
from runbooks import errors, lanes, packets
from runbooks.models import EvidenceRun, Packet, Role
from tests.factories import acting, make_operator
from tests.runbooks.world import (
    OK,
    Repository,
    approve,
    implement,
    implementer,
    kept_state,
    packet,
    review,
    reviewer,
    state,
)

pytestmark = pytest.mark.usefixtures("database")

FAILS = ["grep", "no-such-word", "--count", "code.txt"]


def test_a_packet_is_planned_until_somebody_runs_it(repository: Repository) -> None:
    assert state(repository.packet()) == "planned"


def test_its_implementers_run_implements_it(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    assert state(one) == "implemented"


def test_another_persons_run_approves_it(repository: Repository) -> None:
    one = repository.packet()
    approve(one)
    assert state(one) == "approved"
    verbs = AuditEvent.objects.filter(verb__startswith="packet").order_by("sequence")
    assert [event.verb for event in verbs] == [
        "packet.started", "packet.passed", "packet.started", "packet.passed",
    ]  # fmt: skip


def test_an_implementers_failed_run_leaves_it_planned(repository: Repository) -> None:
    one = repository.packet(OK, FAILS)
    implement(one)
    assert state(one) == "planned"


def test_a_reviewers_failed_run_rejects_it(repository: Repository) -> None:
    flag = repository.folder / ".git" / "flag"
    flag.touch()
    one = repository.packet(["ls", str(flag)])
    implement(one)
    flag.unlink()
    review(one)
    assert state(one) == "rejected"


def test_nobody_reviews_their_own_run(repository: Repository) -> None:
    one, person = repository.packet(), acting(make_operator("admin"))
    implement(one, person)
    with pytest.raises(errors.OwnReview):
        review(one, person)
    assert state(one) == "implemented"


def test_the_database_too_keeps_the_two_apart(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    row = Packet.objects.get()
    row.reviewer = row.implementer
    with pytest.raises(IntegrityError):
        row.save()


def test_the_database_approves_nothing_without_two_runs(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    with pytest.raises(IntegrityError):
        Packet.objects.update(state="approved", reviewer="somebody")


@pytest.mark.parametrize(("role", "group"), [(Role.IMPLEMENTER, "reviewer"), (Role.REVIEWER, "operator")])
def test_each_role_takes_its_permission(repository: Repository, role: Role, group: str) -> None:
    one = repository.packet()
    if role == Role.REVIEWER:
        implement(one)
    with pytest.raises(PermissionRefused):
        (implement if role == Role.IMPLEMENTER else review)(one, acting(make_operator(group)))
    assert EvidenceRun.objects.filter(role=role).count() == 0


def test_nothing_is_reviewed_that_is_not_implemented(repository: Repository) -> None:
    with pytest.raises(errors.PacketState):
        review(repository.packet())


def test_a_review_is_of_the_same_commit(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    repository.commit()
    with pytest.raises(errors.NotReviewable):
        review(one)


def test_code_with_changes_is_not_reviewed(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    repository.change()
    with pytest.raises(errors.NotReviewable):
        review(one)


def test_what_was_implemented_with_changes_is_not_reviewed(repository: Repository) -> None:
    one = repository.packet()
    repository.change()
    implement(one)
    repository.git("checkout", "--quiet", "code.txt")
    with pytest.raises(errors.NotReviewable):
        review(one)


def test_an_approved_packet_is_stale_on_another_commit(repository: Repository) -> None:
    one = repository.packet()
    approve(one)
    repository.commit()
    assert state(one) == "stale"


def test_an_implemented_packet_is_stale_on_another_commit_of_which_no_review_could_be(
    repository: Repository,
) -> None:
    one = repository.packet()
    implement(one)
    repository.commit()
    assert state(one) == "stale"


def test_an_approved_packet_is_stale_with_changes(repository: Repository) -> None:
    one = repository.packet()
    approve(one)
    repository.change()
    assert state(one) == "stale"


@pytest.mark.parametrize(("days", "expected"), [(4.9, "approved"), (5.1, "stale"), (-0.1, "stale")])
def test_an_approved_packet_is_stale_after_its_shelf_life(
    repository: Repository, days: float, expected: str
) -> None:
    one = repository.packet(shelf_days=5)
    approve(one)
    with time_machine.travel(timezone.now() + timezone.timedelta(days=days)):
        assert state(one) == expected


def test_a_stale_packet_can_be_implemented_again(repository: Repository) -> None:
    one = repository.packet()
    approve(one)
    repository.commit()
    implement(one)
    assert state(one) == "implemented"


def test_a_packet_waits_for_those_that_it_requires(repository: Repository) -> None:
    repository.lane(packet("ONE"), packet("TWO", requires=["ONE"]))
    one, two = lanes.find_packet("ONE"), lanes.find_packet("TWO")
    implement(two)
    with pytest.raises(errors.PacketState, match="requires ONE"):
        review(two)
    approve(one)
    review(two)
    assert state(two) == "approved"


def test_a_reviewer_may_reject_by_hand(repository: Repository) -> None:
    one = repository.packet()
    approve(one)
    packets.reject(one, actor=reviewer(), reason="the tests test nothing")
    assert kept_state(one) == "rejected"
    assert AuditEvent.objects.first().reason == "the tests test nothing"


def test_a_rejection_says_why(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    with pytest.raises(ReasonRequired):
        packets.reject(one, actor=reviewer(), reason=" ")


def test_a_rejection_is_not_the_implementers(repository: Repository) -> None:
    one, person = repository.packet(), acting(make_operator("admin"))
    implement(one, person)
    with pytest.raises(errors.OwnReview):
        packets.reject(one, actor=person, reason="I know better now")


def test_an_implementer_may_not_reject(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    with pytest.raises(PermissionRefused):
        packets.reject(one, actor=implementer(), reason="no")

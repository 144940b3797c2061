"""A thousand revocations and grants under four processes that check in a loop: never one answer too old."""

import json

import pytest

from rbac import access, databases
from tenants import context
from tests.factories import make_organization
from tests.rbac.callers import assign
from tests.rbac.checker import BOB, CLOCK, Shared, checking

pytestmark = pytest.mark.usefixtures("database")

CHECKERS, CHANGES = 4, 1000
GRANT = "INSERT INTO rbac_assignment (principal_id, role_id) VALUES ('bob', 'viewer')"
REVOKE = "DELETE FROM rbac_assignment WHERE principal_id = 'bob'"
TICK = "UPDATE rbac_permission SET conditions = ? WHERE role_id = 'clock'"


@pytest.fixture
def acme(database: None) -> None:
    make_organization("acme")
    assign("bob", "viewer")
    with databases.writing("acme") as opened:
        opened.raw.execute(
            "INSERT INTO rbac_role (id, name, description, built_in, priority) VALUES ('clock', '', '', 0, 0)"
        )
        opened.raw.execute(
            "INSERT INTO rbac_permission (role_id, action, resource, effect, conditions)"
            " VALUES ('clock', 'read', '*', 'deny', '{\"change\": 0}')"
        )
    assign("clock", "clock")


def change(number: int) -> None:
    """The number-th change, committed."""
    with databases.writing("acme") as opened:
        opened.raw.execute(REVOKE if number % 2 else GRANT)
        opened.raw.execute(TICK, [json.dumps({"change": number})])


def test_no_check_that_starts_after_a_commit_answers_by_an_older_policy(acme: None) -> None:
    shared = Shared(CHECKERS)
    own = []
    with checking(shared), context.organization("acme"):
        for number in range(1, CHANGES + 1):
            change(number)
            shared.committed.value = number
            clock, bob = access.explain_all([CLOCK, BOB])
            own.append((clock.rule.conditions["change"], bob.allowed))
    assert shared.stale[:] == shared.torn[:] == [0] * CHECKERS
    # The writer's own connection, on which data_version stands still.
    assert own == [(number, number % 2 == 0) for number in range(1, CHANGES + 1)]
    # Nobody slept through it.
    assert min(shared.asked[:]) > CHANGES
    assert min(shared.changes_seen[:]) > CHANGES / 20

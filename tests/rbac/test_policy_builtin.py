"""What the four built-in roles let their holders do, as products and the tenant API see it."""

import pytest
from django.test import Client

from tests.api import Caller
from tests.factories import make_member, make_organization, member_token

pytestmark = pytest.mark.usefixtures("database")

ACTIONS = ("read", "write", "admin", "restart")
RESOURCES = (
    "nodes",
    "vms",
    "containers",
    "alerts",
    "audit_logs",
    "compliance",
    "members",
    "roles",
    "nodes:7",
)

# What each role may do beyond nothing, as (action, resources).
ALLOWED = {
    "admin": [(action, set(RESOURCES)) for action in ACTIONS],
    "operator": [("read", set(RESOURCES)), ("write", {"nodes", "vms", "containers", "alerts"})],
    "viewer": [("read", set(RESOURCES))],
    "auditor": [("read", {"audit_logs", "nodes", "alerts", "compliance"})],
}


@pytest.fixture
def product() -> Caller:
    """A product that asks with the owner's token."""
    make_organization("acme")
    return Caller(Client(), member_token("acme", scopes=["check"]))


def ask(product: Caller, user: str) -> set[tuple[str, str]]:
    """What the product is told that the user may do."""
    asked = [(action, resource) for action in ACTIONS for resource in RESOURCES]
    checks = [{"user": user, "action": action, "resource": resource} for action, resource in asked]
    results = product.post("/api/org/check", {"checks": checks}).json()["results"]
    return {question for question, result in zip(asked, results, strict=True) if result["allowed"]}


@pytest.mark.parametrize("role", ALLOWED)
def test_a_built_in_role_allows_exactly_its_own(product: Caller, role: str) -> None:
    member = make_member("acme", roles=[role])
    expected = {(action, resource) for action, resources in ALLOWED[role] for resource in resources}
    assert ask(product, str(member.public_id)) == expected


def test_a_member_without_a_role_may_do_nothing(product: Caller) -> None:
    assert ask(product, str(make_member("acme").public_id)) == set()


def test_a_stranger_may_do_nothing(product: Caller) -> None:
    assert ask(product, "nobody-we-know") == set()


def test_two_roles_allow_what_either_does(product: Caller) -> None:
    member = make_member("acme", roles=["auditor", "operator"])
    allowed = ask(product, str(member.public_id))
    assert ("read", "members") in allowed
    assert ("write", "vms") in allowed


def test_the_answer_names_the_rule_that_decided(product: Caller) -> None:
    member = make_member("acme", roles=["auditor"])
    question = {"user": str(member.public_id), "action": "read", "resource": "alerts"}
    answer = product.post("/api/org/check", question).json()
    assert answer["allowed"] is True
    decided_by = answer["decided_by"]
    assert (decided_by["role"], decided_by["action"], decided_by["resource"], decided_by["effect"]) == (
        "auditor", "read", "alerts", "allow",
    )  # fmt: skip


def test_a_no_that_no_rule_made_names_none(product: Caller) -> None:
    answer = product.post("/api/org/check", {"user": "nobody", "action": "read", "resource": "alerts"})
    assert answer.json() == {"allowed": False, "decided_by": None}


# Role: the statuses of reading members, reading roles, and giving a role.
STATUSES = {
    "admin": (200, 200, 200),
    "operator": (200, 200, 403),
    "viewer": (200, 200, 403),
    "auditor": (403, 403, 403),
}


@pytest.mark.parametrize("role", STATUSES)
def test_the_tenants_own_api_holds_a_member_to_their_role(role: str) -> None:
    make_organization("acme")
    caller = Caller(Client(), member_token("acme", make_member("acme", roles=[role])))
    answers = (
        caller.get("/api/org/members"),
        caller.get("/api/org/roles"),
        caller.put("/api/org/users/someone/roles", {"roles": ["viewer"]}),
    )
    assert tuple(answer.status_code for answer in answers) == STATUSES[role]

"""The policy as tables of cases, and against a second evaluator that is written to be plain, not fast."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac.policy import Policy, Role, Rule, matches


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("*", "nodes", True),
        ("*", "nodes:7", True),
        ("nodes", "nodes", True),
        ("nodes", "nodes:7", False),
        ("nodes", "nodes2", False),
        ("nodes:*", "nodes", True),
        ("nodes:*", "nodes:7", True),
        ("nodes:*", "nodes:7:disks", True),
        ("nodes:*", "nodes2", False),
        ("nodes:*", "nodesX:7", False),
        ("nodes:7:*", "nodes:7", True),
        ("nodes:7:*", "nodes:70", False),
        ("nodes:7", "nodes:*", False),
        (":*", ":x", True),
    ],
)
def test_a_resource_pattern_matches(pattern: str, resource: str, expected: bool) -> None:
    assert matches(pattern, resource) is expected


def allow(action: str, resource: str, **conditions: Any) -> Rule:
    return Rule("role", action, resource, True, conditions)


def deny(action: str, resource: str, **conditions: Any) -> Rule:
    return Rule("role", action, resource, False, conditions)


def policy_of(*rules: Rule) -> Policy:
    return Policy({"role": Role(rules)}, {"ann": frozenset({"role"})})


@pytest.mark.parametrize(
    ("rules", "attributes", "expected"),
    [
        pytest.param([], {}, False, id="no rule is a no"),
        pytest.param([allow("read", "nodes")], {}, True, id="an allow"),
        pytest.param([allow("write", "nodes")], {}, False, id="another action"),
        pytest.param([allow("admin", "*")], {}, True, id="admin covers every action"),
        pytest.param([allow("read", "*"), deny("read", "nodes")], {}, False, id="deny beats allow"),
        pytest.param([deny("read", "nodes"), allow("admin", "*")], {}, False, id="deny beats admin"),
        pytest.param([allow("read", "*"), deny("admin", "nodes")], {}, False, id="deny of admin denies all"),
        pytest.param([allow("read", "*", env="test")], {"env": "test"}, True, id="a condition that holds"),
        pytest.param([allow("read", "*", env="test")], {"env": "live"}, False, id="a condition that fails"),
        pytest.param([allow("read", "*", env="test")], {}, False, id="an allow without its attribute"),
        pytest.param(
            [allow("read", "*"), deny("read", "*", env="live")], {}, False, id="a deny without its attribute"
        ),
        pytest.param(
            [allow("read", "*"), deny("read", "*", env="live")],
            {"env": "test"},
            True,
            id="a deny whose condition fails",
        ),
        pytest.param([allow("read", "*", owner="${user}")], {"owner": "ann"}, True, id="the user"),
        pytest.param([allow("read", "*", owner="${user}")], {"owner": "bob"}, False, id="another user"),
        pytest.param(
            [allow("read", "*", path="/${attr.team}/${user}")],
            {"path": "/ops/ann", "team": "ops"},
            True,
            id="an attribute within a value",
        ),
        pytest.param(
            [allow("read", "*", path="/${attr.team}")], {"path": "/"}, False, id="an allow lacks a variable"
        ),
        pytest.param(
            [allow("read", "*"), deny("read", "*", path="/${attr.team}")],
            {"path": "/x"},
            False,
            id="a deny lacks a variable",
        ),
        pytest.param([allow("read", "*", level=3)], {"level": 3}, True, id="a number"),
        pytest.param([allow("read", "*", level=1)], {"level": True}, False, id="true is not 1"),
        pytest.param([allow("read", "*", level=3)], {"level": "3"}, False, id="a text is not a number"),
        pytest.param([allow("read", "*", a=1, b=2)], {"a": 1}, False, id="every condition counts"),
        pytest.param([allow("read", "*", env=None)], {"env": None}, True, id="null is a value"),
    ],
)
def test_a_decision(rules: list[Rule], attributes: dict[str, Any], expected: bool) -> None:
    assert policy_of(*rules).decide("ann", "read", "nodes", attributes).allowed is expected


def test_who_has_no_role_may_nothing() -> None:
    assert not policy_of(allow("admin", "*")).decide("bob", "read", "nodes").allowed


def test_a_rule_of_a_distant_ancestor_counts_and_is_named() -> None:
    roles = {f"r{depth}": Role((), f"r{depth + 1}") for depth in range(50)}
    roles["r50"] = Role((Rule("r50", "read", "nodes"),))
    decision = Policy(roles, {"ann": frozenset({"r0"})}).decide("ann", "read", "nodes")
    assert decision.allowed
    assert decision.rule == Rule("r50", "read", "nodes")


def test_the_deny_that_decided_is_named() -> None:
    barred = deny("read", "nodes")
    assert policy_of(allow("read", "*"), barred).decide("ann", "read", "nodes").rule is barred


def test_a_cycle_in_damaged_data_ends() -> None:
    roles = {"a": Role((), "b"), "b": Role((Rule("b", "read", "nodes"),), "a")}
    assert Policy(roles, {"ann": frozenset({"a"})}).decide("ann", "read", "nodes").allowed


def test_a_role_that_is_gone_gives_nothing() -> None:
    assert not Policy({}, {"ann": frozenset({"gone"})}).decide("ann", "read", "nodes").allowed


# The second evaluator.


def naive_allowed(policy: Policy, user: str, action: str, resource: str, attributes: dict[str, Any]) -> bool:
    names = set(policy.assignments.get(user, ()))
    while True:
        parents = {policy.roles[name].parent for name in names} - {None}
        if parents <= names:
            break
        names |= parents
    verdicts = [
        rule.allow
        for name in names
        for rule in policy.roles[name].rules
        if rule.action in ("admin", action)
        and naive_matches(rule.resource, resource)
        and naive_applies(rule, user, attributes)
    ]
    return bool(verdicts) and all(verdicts)


def naive_matches(pattern: str, resource: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith(":*"):
        parts = pattern[:-2].split(":")
        return resource.split(":")[: len(parts)] == parts
    return pattern == resource


def naive_applies(rule: Rule, user: str, attributes: dict[str, Any]) -> bool:
    outcomes = {naive_condition(name, value, user, attributes) for name, value in rule.conditions.items()}
    if rule.allow:
        return outcomes <= {True}
    return False not in outcomes


def naive_condition(name: str, value: Any, user: str, attributes: dict[str, Any]) -> bool | None:
    """True, False, or None where something is missing."""
    if name not in attributes:
        return None
    if isinstance(value, str):
        if any(needed not in attributes for needed in re.findall(r"\$\{attr\.([^}]*)\}", value)):
            return None
        pieces = re.split(r"(\$\{user\}|\$\{attr\.[^}]*\})", value)
        known = {"${user}": user} | {f"${{attr.{key}}}": str(held) for key, held in attributes.items()}
        value = "".join(known.get(piece, piece) for piece in pieces)
    return (type(value), value) == (type(attributes[name]), attributes[name])


NAMES = ("a", "b", "c", "d")
resources = st.lists(st.sampled_from(("x", "y", "*")), min_size=1, max_size=3).map(":".join)
values = st.sampled_from(("u1", "1", 1, True, None, "${user}", "${attr.p}", "-${attr.q}${user}"))
conditions = st.dictionaries(st.sampled_from(("p", "q")), values, max_size=2)
attribute_values = st.sampled_from(("u1", "u2", "1", 1, True, None, "-1u1"))
attributes = st.dictionaries(st.sampled_from(("p", "q")), attribute_values, max_size=2)
actions = st.sampled_from(("read", "write", "admin"))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    roles = {}
    for index, name in enumerate(NAMES):
        rules = draw(st.lists(st.builds(Rule, st.just(name), actions, resources, st.booleans(), conditions)))
        parent = draw(st.sampled_from((None, *NAMES[:index])))
        roles[name] = Role(tuple(rules), parent)
    assigned = st.frozensets(st.sampled_from(NAMES))
    return Policy(roles, draw(st.dictionaries(st.sampled_from(("u1", "u2")), assigned)))


@given(policies(), st.sampled_from(("u1", "u2")), actions, resources, attributes)
def test_it_decides_as_the_plain_evaluator(
    policy: Policy, user: str, action: str, resource: str, given_attributes: dict[str, Any]
) -> None:
    expected = naive_allowed(policy, user, action, resource, given_attributes)
    decision = policy.decide(user, action, resource, given_attributes)
    assert decision.allowed is expected
    assert decision.rule is None or decision.rule.allow is expected

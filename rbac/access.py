"""Decisions for the current organization, from a snapshot of its policy that is never stale.

`PRAGMA data_version` on the open connection moves when another connection has committed, in this process
or any other; `total_changes` moves with the connection's own writes. A snapshot holds while both stand
still, so a revoked role is refused at the next check everywhere.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from rbac import databases, metrics, schema
from rbac.errors import AccessRefused, TenantMigrating
from rbac.policy import Decision, Policy, Role, Rule
from tenants import context

# Principal, action, resource, attributes.
Question = tuple[str, str, str, Mapping[str, object] | None]

ROLES = "SELECT id, parent_id FROM rbac_role"
RULES = "SELECT role_id, action, resource, effect, conditions FROM rbac_permission ORDER BY id"
ASSIGNMENTS = "SELECT principal_id, role_id FROM rbac_assignment"


def check(user: str, action: str, resource: str, attributes: Mapping[str, object] | None = None) -> bool:
    """Whether the policy of the current organization allows it."""
    return explain(user, action, resource, attributes).allowed


def explain(
    user: str, action: str, resource: str, attributes: Mapping[str, object] | None = None
) -> Decision:
    """The decision with the rule that made it. `user` is a principal: a public UUID or a product's id."""
    with databases.using(context.current()) as opened:
        decision = current_policy(opened).decide(user, action, resource, attributes)
    if not decision.allowed:
        metrics.access_denials.inc()
    return decision


def explain_all(questions: Sequence[Question]) -> list[Decision]:
    """The decisions on all the questions, by the policy of one moment."""
    with databases.using(context.current()) as opened:
        policy = current_policy(opened)
        decisions = [policy.decide(*question) for question in questions]
    metrics.access_denials.inc(sum(not decision.allowed for decision in decisions))
    return decisions


def current_policy(opened: databases.Opened) -> Policy:
    """The policy as of now. Within a transaction of our own it is read afresh and not kept."""
    raw = opened.raw
    # Read before the policy: a commit in between makes the next check load again, never this one stale.
    version = (raw.execute("PRAGMA data_version").fetchone()[0], raw.total_changes)
    if opened.policy is not None and opened.policy_version == version and not raw.in_transaction:
        return opened.policy
    if raw.in_transaction:
        return _load(opened)
    raw.execute("BEGIN")
    try:
        policy = _load(opened)
    finally:
        raw.execute("ROLLBACK")
    opened.policy, opened.policy_version = policy, version
    return policy


def _load(opened: databases.Opened) -> Policy:
    raw = opened.raw
    # A file may be brought to another schema while it is open here.
    if raw.execute("PRAGMA user_version").fetchone()[0] != schema.current():
        raise TenantMigrating
    rules: dict[str, list[Rule]] = defaultdict(list)
    for role, action, resource, effect, conditions in raw.execute(RULES):
        rule = Rule(role, action, resource, effect == "allow", json.loads(conditions))
        rules[role].append(rule)
    roles = {name: Role(tuple(rules[name]), parent) for name, parent in raw.execute(ROLES)}
    assigned: dict[str, set[str]] = defaultdict(set)
    for principal, role in raw.execute(ASSIGNMENTS):
        assigned[principal].add(role)
    return Policy(roles, {principal: frozenset(names) for principal, names in assigned.items()})


def require(user: str, action: str, resource: str) -> None:
    """Raise `AccessRefused` unless the policy of the current organization allows it."""
    if not check(user, action, resource):
        raise AccessRefused(f"This takes {action} on {resource} in this organization.")

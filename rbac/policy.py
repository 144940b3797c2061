"""The policy: which rule of which role decides a request. Pure: no Django, no database, no clock.

Rules come from all assigned roles and their parents. Any matching deny beats every allow, and no match
is a no. A condition compares a request attribute with a value; an allow whose attribute is missing does
not apply, a deny whose attribute is missing does.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

ADMIN = "admin"
VARIABLE = re.compile(r"\$\{(user|attr\.([^}]*))\}")

Attributes = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rule:
    role: str
    action: str
    resource: str
    allow: bool = True
    conditions: Mapping[str, object] = field(default_factory=dict)

    def covers(self, action: str, resource: str) -> bool:
        return self.action in (action, ADMIN) and matches(self.resource, resource)


@dataclass(frozen=True, slots=True)
class Role:
    rules: tuple[Rule, ...] = ()
    parent: str | None = None


class Decision(NamedTuple):
    """`rule` is the one that decided, or None when nothing matched (a no)."""

    allowed: bool
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A tenant's roles and who has them, as of one moment."""

    roles: Mapping[str, Role]
    assignments: Mapping[str, frozenset[str]]
    _rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict, compare=False, repr=False)

    def decide(self, user: str, action: str, resource: str, attributes: Attributes | None = None) -> Decision:
        """The first deny that applies, else the first allow that applies, else a no."""
        given = attributes or {}
        allowing: Rule | None = None
        for rule in self.rules_of(user):
            if not rule.covers(action, resource) or (rule.conditions and not applies(rule, user, given)):
                continue
            if not rule.allow:
                return Decision(False, rule)
            allowing = allowing or rule
        return Decision(allowing is not None, allowing)

    def rules_of(self, user: str) -> tuple[Rule, ...]:
        """All that the principal's roles and their ancestors say; gathered once for each principal."""
        rules = self._rules.get(user)
        if rules is None:
            lineage = self.lineage(self.assignments.get(user, ()))
            rules = tuple(rule for name in lineage for rule in self.roles[name].rules)
            if user in self.assignments:  # Else whoever asks for made-up names would fill the memory.
                self._rules[user] = rules
        return rules

    def lineage(self, names: Iterable[str]) -> list[str]:
        """The roles and all their ancestors, each once; a cycle in damaged data ends the walk."""
        found: dict[str, None] = {}
        for name in sorted(names):
            current: str | None = name
            while current is not None and current not in found and current in self.roles:
                found[current] = None
                current = self.roles[current].parent
        return list(found)


def matches(pattern: str, resource: str) -> bool:
    """`*` matches all, `x` matches `x`, `x:*` matches `x` and everything under `x:`."""
    if pattern in ("*", resource):
        return True
    if not pattern.endswith(":*"):
        return False
    stem = pattern[:-2]
    return resource == stem or resource.startswith(stem + ":")


def applies(rule: Rule, user: str, attributes: Attributes) -> bool:
    """Whether the rule's conditions hold; anything missing counts against the asker."""
    for name, expected in rule.conditions.items():
        wanted, complete = substituted(expected, user, attributes)
        if name not in attributes or not complete:
            if rule.allow:
                return False
            continue
        if attributes[name] != wanted or type(attributes[name]) is not type(wanted):
            return False
    return True


def substituted(value: object, user: str, attributes: Attributes) -> tuple[object, bool]:
    """The value with `${user}` and `${attr.name}` replaced, and whether all of them were known."""
    if not isinstance(value, str):
        return value, True
    complete = True

    def replace(variable: re.Match[str]) -> str:
        nonlocal complete
        if variable[1] == "user":
            return user
        if variable[2] not in attributes:
            complete = False
            return ""
        return str(attributes[variable[2]])

    return VARIABLE.sub(replace, value), complete

"""What somebody wants a role to be, and whether it may be: formats and limits, before any database."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulse.text import is_one_line
from rbac import errors

ROLE_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
MOST_ROLES = 500
MOST_PERMISSIONS = 200
MOST_CONDITIONS = 20
LONGEST_NAME = 100
LONGEST_DESCRIPTION = 500
LONGEST_ACTION = 64
LONGEST_RESOURCE = 256
LONGEST_ATTRIBUTE = 64
LONGEST_VALUE = 256


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission: `effect` is allow or deny, `conditions` map a request attribute to a JSON scalar."""

    action: str
    resource: str
    effect: str = "allow"
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    name: str
    description: str = ""
    parent: str | None = None
    priority: int = 0
    permissions: Sequence[Grant] = ()

    def check(self) -> None:
        """Raise `InvalidRole`, `TooManyPermissions` or `TooManyConditions`, naming the field."""
        _text("name", self.name, longest=LONGEST_NAME)
        if self.description:
            _text("description", self.description, longest=LONGEST_DESCRIPTION)
        if abs(self.priority) > 1_000_000:
            raise errors.InvalidRole(errors={"priority": ["between -1000000 and 1000000"]})
        if len(self.permissions) > MOST_PERMISSIONS:
            raise errors.TooManyPermissions
        for index, grant in enumerate(self.permissions):
            _check_grant(f"permissions[{index}]", grant)


def check_id(role_id: str) -> None:
    """Raise `InvalidRole` for an id that is not a slug of 1 to 64 characters."""
    if not ROLE_ID.fullmatch(role_id):
        raise errors.InvalidRole(
            errors={"id": ["1 to 64 of a-z, 0-9, _ and -; neither the first nor the last is _ or -"]}
        )


def _check_grant(place: str, grant: Grant) -> None:
    _text(f"{place}.action", grant.action, longest=LONGEST_ACTION)
    _text(f"{place}.resource", grant.resource, longest=LONGEST_RESOURCE)
    stem = grant.resource.removesuffix(":*")
    if grant.resource != "*" and (not stem or "*" in stem):
        raise errors.InvalidRole(
            errors={f"{place}.resource": ["* stands alone, or at the end after something and a colon"]}
        )
    if grant.effect not in ("allow", "deny"):
        raise errors.InvalidRole(errors={f"{place}.effect": ["allow or deny"]})
    if len(grant.conditions) > MOST_CONDITIONS:
        raise errors.TooManyConditions
    for attribute, value in grant.conditions.items():
        _check_condition(f"{place}.conditions", attribute, value)


def _check_condition(place: str, attribute: str, value: Any) -> None:
    _text(place, attribute, longest=LONGEST_ATTRIBUTE)
    if isinstance(value, str):
        _text(f"{place}.{attribute}", value, longest=LONGEST_VALUE)
    # 1e999 is well-formed JSON and an infinity, which no database keeps as JSON.
    elif not isinstance(value, bool | int | float | None) or value in (math.inf, -math.inf):
        raise errors.InvalidRole(errors={f"{place}.{attribute}": ["a text, a number, true, false or null"]})


def _text(place: str, text: str, *, longest: int) -> None:
    if not text.strip() or len(text) > longest or not is_one_line(text):
        raise errors.InvalidRole(errors={place: [f"1 to {longest} characters, none a control character"]})

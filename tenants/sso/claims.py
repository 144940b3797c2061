"""What a genuine id_token says of a person: bounded in size and form before anything of it is kept."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from pulse.text import is_one_line
from tenants.sso.errors import ClaimsRefused
from tenants.sso.models import LONGEST_CLAIM

LONGEST_TOKEN = 32 * 1024
MOST_GROUPS = 500
LONGEST_EMAIL = 254
LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Claims:
    """`email` is in lower case, and empty for one that is missing; so are the groups.

    `asked_at` is when the provider has last asked the person who they are, in seconds since 1970: not in the
    future, and 0 where it does not say.
    """

    subject: str
    email: str
    email_verified: bool
    name: str
    groups: frozenset[str]
    asked_at: float

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


def read(token: Mapping[str, Any], *, groups_claim: str) -> Claims:
    """Raises `ClaimsRefused`."""
    return Claims(
        subject=_subject(token.get("sub")),
        email=_email(token.get("email")),
        # As text, too, by some providers; nothing else is true.
        email_verified=token.get("email_verified") in (True, "true"),
        name=_name(token.get("name")),
        groups=_groups(token.get(groups_claim)),
        asked_at=_asked_at(token.get("auth_time")),
    )


def _subject(value: Any) -> str:
    if not isinstance(value, str) or not _fits(value):
        raise ClaimsRefused
    return value


def _email(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_EMAIL:
        raise ClaimsRefused
    try:
        validate_email(value)
    except ValidationError:
        raise ClaimsRefused from None
    return value.lower()


def _name(value: Any) -> str:
    """A name decides nothing, so one that cannot be shown is left out."""
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME and is_one_line(value) else ""


def _groups(value: Any) -> frozenset[str]:
    """A provider with one group to tell may send it bare."""
    found = [value] if isinstance(value, str) else value
    if found is None:
        return frozenset()
    if not isinstance(found, list) or len(found) > MOST_GROUPS:
        raise ClaimsRefused
    if not all(isinstance(group, str) and _fits(group) for group in found):
        raise ClaimsRefused
    return frozenset(found)


def _asked_at(value: Any) -> float:
    """What is no number, or none above 0, proves nothing."""
    return min(value, time.time()) if isinstance(value, int | float) and value > 0 else 0


def _fits(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_CLAIM and is_one_line(text)

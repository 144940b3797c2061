"""Template tags of the operators' pages of an organization's access."""

import json
from datetime import datetime
from typing import Any

from django import template

from rbac.models import Permission
from rbac.presentation import in_words

register = template.Library()


@register.filter
def rule(permission: dict[str, Any]) -> str:
    """A permission as its role's document has it, in words."""
    return in_words(permission)


@register.filter
def rule_of(permission: Permission) -> str:
    parts = ("action", "resource", "effect", "conditions")
    return in_words({name: getattr(permission, name) for name in parts})


@register.filter
def as_json(conditions: dict[str, Any]) -> str:
    return json.dumps(conditions, ensure_ascii=False)


@register.filter
def instant(text: str) -> datetime:
    """A moment as a backup's manifest has it."""
    return datetime.fromisoformat(text)

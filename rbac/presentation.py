"""A role's rules as people read them."""

import json
from typing import Any


def in_words(permission: dict[str, Any]) -> str:
    """`allow read on vms:* when region is "eu"`."""
    told = f"{permission['effect']} {permission['action']} on {permission['resource']}"
    conditions = [f"{name} is {json.dumps(value)}" for name, value in permission["conditions"].items()]
    return f"{told} when {' and '.join(conditions)}" if conditions else told

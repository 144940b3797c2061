"""One SQLite database per organization, and the decisions that are made from it."""

from collections.abc import Mapping


def check(user: str, action: str, resource: str, attributes: Mapping[str, object] | None = None) -> bool:
    """Whether the current organization's policy lets the principal do the action on the resource."""
    from rbac.access import check as decide  # The apps must be ready.

    return decide(user, action, resource, attributes)

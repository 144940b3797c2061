"""Organizations brought into each state of the lifecycle, through its own verbs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import time_machine

from tenants import lifecycle
from tenants.models import Organization
from tests.factories import SYSTEM, make_organization

LONG_AGO = timedelta(days=40)


def suspend(organization_id: str) -> None:
    lifecycle.suspend(organization_id, actor=SYSTEM, reason="unpaid")


def soft_delete(organization_id: str) -> None:
    lifecycle.soft_delete(organization_id, actor=SYSTEM)


def soft_delete_long_ago(organization_id: str) -> None:
    with time_machine.travel(datetime.now(UTC) - LONG_AGO):
        lifecycle.soft_delete(organization_id, actor=SYSTEM)


def purge(organization_id: str) -> None:
    lifecycle.purge(organization_id, actor=SYSTEM)


STEPS: dict[str, list[Callable[[str], None]]] = {
    "active": [],
    "suspended": [suspend],
    "pending_deletion": [soft_delete],
    "suspended, then pending_deletion": [suspend, soft_delete],
    "past its retention": [soft_delete_long_ago],
    "purged": [soft_delete_long_ago, purge],
}


def organization_in(state: str, organization_id: str = "acme") -> Organization:
    """A provisioned organization that has come to the state, one of `STEPS`."""
    organization = make_organization(organization_id)
    for step in STEPS[state]:
        step(organization_id)
    organization.refresh_from_db()
    return organization

"""The reaper: purges organizations that are past their retention."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.utils import timezone

from pulse.actors import Actor
from pulse.problems import Problem
from tenants import lifecycle
from tenants.errors import PurgeFailed
from tenants.models import Organization

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reaped:
    """`refusal` is the code of what kept the organization, or empty when it was purged."""

    organization_id: str
    refusal: str = ""
    detail: str = ""


def due(*, now: datetime | None = None) -> list[Organization]:
    """The organizations that a live run would purge now, longest overdue first."""
    return list(Organization.objects.due_for_purge(now=now or timezone.now()))


def reap(*, actor: Actor, only: Collection[str] | None = None, reason: str = "") -> Iterator[Reaped]:
    """Purge what is due, of those alone that are named if any are, each in its own transaction.

    A run that was cut off is resumed by the next.
    """
    actor.require(lifecycle.TRANSITIONS["purge"].permission)
    actor.require_recent()
    for organization in due():
        if only is not None and organization.id not in only:
            continue
        try:
            lifecycle.purge(organization.id, actor=actor, reason=reason)
        except Problem as refusal:
            log.warning("purge refused", organization=organization.id, code=refusal.code)
            yield Reaped(organization.id, refusal.code, refusal.detail)
        except Exception:
            # Whatever it was, it keeps this one alone: the others are as much past their retention.
            log.exception("purge failed", organization=organization.id)
            yield Reaped(organization.id, PurgeFailed.code, PurgeFailed.detail)
        else:
            yield Reaped(organization.id)

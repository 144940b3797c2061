"""The audit log: append-only and hash-chained, written in the transaction of the change it records."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from pulse import frozen
from pulse.actors import Actor
from pulse.chain import Broken, Chain
from pulse.models import AuditEvent, AuditHead
from pulse.problems import InvalidReason, ReasonRequired
from pulse.text import is_one_line

LONGEST_REASON = 500
CHAIN = Chain(
    links=AuditEvent,
    head=AuditHead,
    content=(
        "at", "actor_kind", "actor", "door", "verb",
        "organization", "before", "after", "reason", "request_id",
    ),
    noun="event",
    whole="log",
)  # fmt: skip


@transaction.atomic
def record(
    verb: str,
    *,
    actor: Actor,
    organization: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Append one event. Locks the head row until the caller's transaction ends, so writers take turns.

    Keep e-mail addresses out of `before` and `after`: a purge cannot erase them from here. Raises
    `InvalidReason`, and `Frozen` for a verb that a freeze refuses to the actor: the change is undone with it.
    """
    checked_reason(reason)
    event = AuditEvent(
        at=timezone.now(),
        actor_kind=actor.kind,
        actor=actor.name,
        door=actor.door,
        verb=verb,
        organization=organization,
        before=before,
        after=after,
        reason=reason,
        request_id=actor.request_id,
    )
    with CHAIN.writing() as add:
        frozen.require_thawed(verb, actor=actor)
        add(event)
        event.save(force_insert=True)
    return event


@transaction.atomic
def append_past(events: Iterable[AuditEvent]) -> None:
    """Append what happened before now, of a history that is written at once; locks as `record` does."""
    chained = []
    with CHAIN.writing() as add:
        for event in events:
            add(event)
            chained.append(event)
        AuditEvent.objects.bulk_create(chained)


def checked_reason(reason: str) -> str:
    """The reason, or `InvalidReason` when it is too long or has a control character."""
    if len(reason) > LONGEST_REASON or not is_one_line(reason):
        raise InvalidReason
    return reason


def required_reason(reason: str) -> str:
    """As `checked_reason`, and `ReasonRequired` when it says nothing."""
    if not checked_reason(reason).strip():
        raise ReasonRequired
    return reason


def verify() -> Broken | None:
    """The first broken event, or None when the whole log holds."""
    return CHAIN.verify()

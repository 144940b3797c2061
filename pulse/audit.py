"""The audit log: append-only and hash-chained, written in the transaction of the change it records."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from pulse.actors import Actor
from pulse.models import AuditEvent, AuditHead
from pulse.problems import InvalidReason, ReasonRequired
from pulse.text import is_one_line

LONGEST_REASON = 500
GENESIS = "0" * 64
CHAINED = (
    "sequence", "at", "actor_kind", "actor", "door", "verb",
    "organization", "before", "after", "reason", "request_id", "previous_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """The first link that does not hold, and why."""

    sequence: int
    reason: str


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
    `InvalidReason`.
    """
    checked_reason(reason)
    AuditHead.objects.get_or_create(id=1)
    head = AuditHead.objects.select_for_update().get(id=1)
    event = AuditEvent(
        sequence=head.sequence + 1,
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
        previous_hash=head.hash,
    )
    event.hash = digest(event)
    event.save(force_insert=True)
    head.sequence, head.hash = event.sequence, event.hash
    head.save(update_fields=("sequence", "hash"))
    return event


@transaction.atomic
def append_past(events: Iterable[AuditEvent]) -> None:
    """Append what happened before now, of a history that is written at once; locks as `record` does."""
    AuditHead.objects.get_or_create(id=1)
    head = AuditHead.objects.select_for_update().get(id=1)
    chained = []
    for event in events:
        event.sequence, event.previous_hash = head.sequence + 1, head.hash
        event.hash = digest(event)
        head.sequence, head.hash = event.sequence, event.hash
        chained.append(event)
    AuditEvent.objects.bulk_create(chained)
    head.save(update_fields=("sequence", "hash"))


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


def digest(event: AuditEvent) -> str:
    """SHA-256 over the event's canonical JSON, the previous hash included."""
    content = {name: getattr(event, name) for name in CHAINED}
    content["at"] = event.at.isoformat(timespec="microseconds")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def verify() -> Broken | None:
    """Walk the whole chain in constant memory; the first broken link, or None when it holds.

    The head is read before and after the walk, because writers go on meanwhile: the walk must reach the
    first and must not pass the second.
    """
    earlier = _head()
    previous, expected = GENESIS, 1
    for event in AuditEvent.objects.order_by("sequence").iterator(chunk_size=2000):
        if event.sequence != expected:
            return Broken(expected, f"event {expected} is missing")
        if event.previous_hash != previous:
            return Broken(event.sequence, "it does not follow the event before it")
        if digest(event) != event.hash:
            return Broken(event.sequence, "its content does not match its hash")
        if event.sequence == earlier.sequence and event.hash != earlier.hash:
            return Broken(event.sequence, "it is not the event that the head names")
        previous, expected = event.hash, expected + 1
    if expected <= earlier.sequence:
        return Broken(expected, f"the log ends before event {earlier.sequence}")
    if expected > (latest := _head().sequence) + 1:
        return Broken(latest + 1, "the head does not know of it")
    return None


def _head() -> AuditHead:
    """The head, or one of an empty chain before the first event."""
    return AuditHead.objects.filter(id=1).first() or AuditHead(id=1)

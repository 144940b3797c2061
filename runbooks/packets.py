"""Packets: how far each has come, by a table of transitions, and whether its evidence still counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from runbooks import errors, lanes, release
from runbooks.models import EvidenceRecord, EvidenceRun, Packet, PacketState, Role
from runbooks.release import Release

IMPLEMENT = "runbooks.implement_packet"
REVIEW = "runbooks.review_packet"
VIEW = "runbooks.view_packet"
PERMISSIONS: dict[str, str] = {Role.IMPLEMENTER: IMPLEMENT, Role.REVIEWER: REVIEW}


class Event(StrEnum):
    """What happens to a packet: a run of its evidence starts and ends, or a reviewer rejects it by hand."""

    STARTED = "started"
    PASSED = "passed"
    FAILED = "failed"
    # Its process died, so that nothing was found out.
    ABANDONED = "abandoned"
    REJECTED = "rejected"


ANY = frozenset(PacketState) - {PacketState.RUNNING}
RUNNING = frozenset((PacketState.RUNNING,))
IMPLEMENTED = frozenset((PacketState.IMPLEMENTED,))
# Who runs, what happens: from which states, to which.
TRANSITIONS: dict[tuple[str, Event], tuple[frozenset[PacketState], PacketState]] = {
    (Role.IMPLEMENTER, Event.STARTED): (ANY, PacketState.RUNNING),
    (Role.IMPLEMENTER, Event.PASSED): (RUNNING, PacketState.IMPLEMENTED),
    (Role.IMPLEMENTER, Event.FAILED): (RUNNING, PacketState.PLANNED),
    (Role.IMPLEMENTER, Event.ABANDONED): (RUNNING, PacketState.PLANNED),
    (Role.REVIEWER, Event.STARTED): (IMPLEMENTED, PacketState.RUNNING),
    (Role.REVIEWER, Event.PASSED): (RUNNING, PacketState.APPROVED),
    (Role.REVIEWER, Event.FAILED): (RUNNING, PacketState.REJECTED),
    (Role.REVIEWER, Event.ABANDONED): (RUNNING, PacketState.IMPLEMENTED),
    (Role.REVIEWER, Event.REJECTED): (IMPLEMENTED | {PacketState.APPROVED}, PacketState.REJECTED),
}
STALE = "stale"
# In these a packet rests on evidence, which can grow stale.
PROVEN = frozenset((PacketState.IMPLEMENTED, PacketState.APPROVED))


@dataclass(frozen=True, slots=True)
class Standing:
    """A packet's state as it counts now: the kept one, or `stale`; since when, and why."""

    state: str
    since: datetime | None
    why: str = ""

    @property
    def counts(self) -> bool:
        return self.state == PacketState.APPROVED


def standings(*, code: Release | None = None) -> dict[tuple[str, str], Standing]:
    """The standing of every packet of every lane, by lane and id, against `code` or the code on disk.

    Raises `InvalidDocument`.
    """
    code = code or release.on_disk()
    rows = {(row.lane, row.name): row for row in _with_evidence(Packet.objects.all())}
    return {
        (packet.lane, packet.id): standing(packet, rows.get((packet.lane, packet.id)), code=code)
        for lane in lanes.every().values()
        for packet in lane.packets.values()
    }


def _with_evidence(rows: QuerySet[Packet]) -> QuerySet[Packet]:
    """With the outcome of each command that their runs have run, and without what it wrote."""
    records = EvidenceRecord.objects.only("sequence", "run", "argv", "passed").order_by("sequence")
    return rows.select_related("implementation", "review").prefetch_related(
        Prefetch("implementation__records", records), Prefetch("review__records", records)
    )


def standing(packet: lanes.Packet, row: Packet | None, *, code: Release) -> Standing:
    if row is None:
        return Standing(PacketState.PLANNED, None)
    if row.state in PROVEN and (why := _stale(packet, row, code=code)):
        return Standing(STALE, row.changed_at, why)
    return Standing(row.state, row.changed_at)


def _stale(packet: lanes.Packet, row: Packet, *, code: Release) -> str:
    runs = {Role.IMPLEMENTER: row.implementation}
    if row.state == PacketState.APPROVED:
        runs[Role.REVIEWER] = row.review
    now = timezone.now()
    if code.is_dirty:
        return "the code has changes that are in no commit"
    for role, run in runs.items():
        if run is None or not _proves(packet, role, run):
            return "its evidence is not of the commands that it has"
        if run.version != code.version:
            return f"its evidence is of {run.version[:18]}, and the code is {code.version[:18]}"
        if run.ended_at is None or run.ended_at > now:
            return "its evidence is dated after now"
        if now - run.ended_at > timedelta(days=packet.shelf_days):
            return f"its evidence is older than {packet.shelf_days} days"
    return ""


def _proves(packet: lanes.Packet, role: str, run: EvidenceRun) -> bool:
    """Whether the run is what it is said to be, and its records are of the packet's commands and all passed.

    They alone are hash-chained: what a packet's row says counts for nothing without them.
    """
    if (run.lane, run.subject, run.role, run.passed) != (packet.lane, packet.id, role, True):
        return False
    proved = [(tuple(record.argv), record.passed) for record in run.records.all()]
    return proved == [(command.argv, True) for command in packet.acceptance]


@transaction.atomic
def require_startable(packet: lanes.Packet, *, role: str, code: Release, actor: Actor) -> Packet:
    """The packet's row, locked. Raises what a run is refused by: `PacketState` unless the packet is in a
    state for it, and for a reviewer what could not lead to an approval, `OwnReview` or `NotReviewable`.
    """
    actor.require(PERMISSIONS[role])
    row = _locked(packet)
    _require(row, role, Event.STARTED)
    if role == Role.REVIEWER:
        _require_reviewable(packet, row, code, actor=actor)
    return row


@transaction.atomic
def start(packet: lanes.Packet, run: EvidenceRun, *, actor: Actor) -> Packet:
    """Begin with the run, which is not saved yet and is saved here. Raises as `require_startable` does."""
    code = Release(run.version, run.is_dirty)
    row = require_startable(packet, role=run.role, code=code, actor=actor)
    changes: dict[str, Any] = {"reviewer": actor.name}
    if run.role == Role.IMPLEMENTER:
        changes = {"implementer": "", "implementation": None, "reviewer": "", "review": None}
    run.save(force_insert=True)
    return _change(row, run.role, Event.STARTED, actor=actor, **changes)


@transaction.atomic
def settle(run: EvidenceRun, event: Event, *, actor: Actor) -> None:
    """What the end of a run does to its packet. Nothing where the packet is no longer about this run."""
    row = Packet.objects.select_for_update().get(lane=run.lane, name=run.subject)
    if row.state != PacketState.RUNNING:
        return
    changes: dict[str, Any] = {}
    if run.role == Role.IMPLEMENTER and event == Event.PASSED:
        changes = {"implementer": run.actor, "implementation": run}
    elif run.role == Role.REVIEWER and event == Event.ABANDONED:
        changes = {"reviewer": ""}
    elif run.role == Role.REVIEWER:
        changes = {"review": run}
    _change(row, run.role, event, actor=actor, run=run, **changes)


@transaction.atomic
def reject(packet: lanes.Packet, *, actor: Actor, reason: str) -> Packet:
    """Send it back to its implementer, whatever its commands say."""
    actor.require(REVIEW)
    audit.required_reason(reason)
    row = _locked(packet)
    _require(row, Role.REVIEWER, Event.REJECTED)
    if row.implementer == actor.name:
        raise errors.OwnReview
    return _change(row, Role.REVIEWER, Event.REJECTED, actor=actor, reason=reason)


def _require_reviewable(packet: lanes.Packet, row: Packet, code: Release, *, actor: Actor) -> None:
    """Raise `OwnReview`, `NotReviewable` (other code, or with changes), or `PacketState` (a packet that it
    requires is not approved).
    """
    if row.implementer == actor.name:
        raise errors.OwnReview
    if code.is_dirty or (row.implementation and row.implementation.is_dirty):
        raise errors.NotReviewable(
            "The code has changes that are in no commit. Commit them, and run it again."
        )
    if row.implementation is None or row.implementation.version != code.version:
        raise errors.NotReviewable
    required = Packet.objects.filter(lane=packet.lane, name__in=packet.requires)
    kept = {other.name: other for other in _with_evidence(required)}
    for name in packet.requires:
        other = lanes.find_packet(name, lane=packet.lane)
        if not standing(other, kept.get(name), code=code).counts:
            raise errors.PacketState(f"{packet.id} requires {name}, which is not approved.")


def _locked(packet: lanes.Packet) -> Packet:
    Packet.objects.get_or_create(lane=packet.lane, name=packet.id)
    return Packet.objects.select_for_update().get(lane=packet.lane, name=packet.id)


def _require(row: Packet, role: str, event: Event) -> None:
    if row.state not in TRANSITIONS[role, event][0]:
        raise errors.PacketState(f"{row.name} is {row.state}.")


def _change(
    row: Packet,
    role: str,
    event: Event,
    *,
    actor: Actor,
    run: EvidenceRun | None = None,
    reason: str = "",
    **changes: Any,
) -> Packet:
    before, after = row.state, TRANSITIONS[role, event][1]
    for name, value in {**changes, "state": after, "changed_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save()
    audit.record(
        f"packet.{event}",
        actor=actor,
        before={"packet": row.name, "state": before},
        after={"packet": row.name, "state": after, "role": role, "run": run.pk if run else None},
        reason=reason,
    )
    return row

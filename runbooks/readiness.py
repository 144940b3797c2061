"""Whether a stage may be run: computed from packets, conditions, drills and the chain of evidence.

What comes out is explained line by line. It is an answer of now; `runbooks.verdicts` has it signed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from pulse.problems import Problem
from runbooks import evidence, lanes, packets, release
from runbooks.drills.catalogue import DRILLS
from runbooks.models import DrillRun, Outcome, PacketState
from runbooks.packets import STALE, Standing
from runbooks.release import Release

# The first stage that takes a verdict: what one is interested in before there is any.
FIRST_STAGE = "private_beta"
# What to do next for a packet, by its state.
NEXT = {
    PacketState.PLANNED: "manage.py evidence run {} --as implementer",
    PacketState.REJECTED: "manage.py evidence run {} --as implementer",
    STALE: "manage.py evidence run {} --as implementer",
    PacketState.IMPLEMENTED: "manage.py evidence run {} --as reviewer, by somebody else",
}
WENT_WELL = frozenset((DrillRun.State.PASSED,))
ENDED = frozenset((DrillRun.State.PASSED, DrillRun.State.FAILED))


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the answer depends on. `blocks` says that the stage waits for it unless it `holds`.

    `kind` is packet, condition, drill, evidence or lane; `since` is UTC; `next` is what to do about it.
    """

    kind: str
    lane: str
    id: str
    title: str
    state: str
    holds: bool
    blocks: bool
    since: datetime | None = None
    why: str = ""
    next: str = ""

    def as_json(self) -> dict[str, Any]:
        since = self.since and self.since.isoformat(timespec="seconds")
        return asdict(self) | {"since": since}

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"{self.kind} {self.id} is {self.state}{why}"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The outcome for a stage, of this code, with every line that it comes from."""

    stage: str
    outcome: Outcome
    code: Release
    lines: tuple[Line, ...]

    @property
    def missing(self) -> tuple[Line, ...]:
        """What the stage waits for."""
        return tuple(line for line in self.lines if line.blocks and not line.holds)

    @property
    def open(self) -> tuple[Line, ...]:
        """Conditions that are open and do not keep this stage from being run."""
        return tuple(line for line in self.lines if not line.blocks and not line.holds)


def default_stage() -> str:
    stage: str = settings.PULSE_STAGE
    return FIRST_STAGE if stage == "development" else stage


def compute(stage: str, *, chain: Line | None = None) -> Readiness:
    """Asks git for the code, and walks the chain of evidence unless its line is given. What cannot be read
    blocks.
    """
    code = release.on_disk()
    lines = (chain or chain_line(), *_lines(stage, code))
    if any(line.blocks and not line.holds for line in lines):
        outcome = Outcome.NO_GO
    elif any(not line.holds for line in lines):
        outcome = Outcome.GO_WITH_CONDITIONS
    else:
        outcome = Outcome.GO
    return Readiness(stage, outcome, code, lines)


def _lines(stage: str, code: Release) -> Iterator[Line]:
    try:
        every = lanes.every()
    except Problem as problem:
        yield Line("lane", "", "lanes", "Every lane can be read", "broken", False, True, None, problem.detail)
        return
    standings = packets.standings(code=code)
    for lane in every.values():
        for packet in lane.packets.values():
            if stage in packet.stages:
                yield _packet(packet, standings[lane.id, packet.id])
        for condition in (*lane.conditions, *lane.register):
            yield _condition(lane, condition, stage, standings)
    yield from _failed_drills(stage)


def _failed_drills(stage: str) -> Iterator[Line]:
    """Of the drills that block the stage, those that failed when they were last held."""
    for drill in DRILLS:
        if stage in drill.blocks:
            last = DrillRun.objects.filter(drill=drill.name, state__in=ENDED).first()
            if last is not None and last.state not in WENT_WELL:
                yield Line(
                    "drill", "", drill.name, drill.title, "failed", False, True, last.ended_at,
                    "it failed when it was last held", f"manage.py drill run {drill.name}",
                )  # fmt: skip


def chain_line() -> Line:
    """Reads all evidence that there is."""
    broken = evidence.verify()
    why = f"record {broken.sequence}: {broken.reason}" if broken else ""
    return Line(
        "evidence", "", "chain", "The evidence is whole", "broken" if broken else "whole", not broken, True,
        None, why, "manage.py evidence verify" if broken else "",
    )  # fmt: skip


def _packet(packet: lanes.Packet, standing: Standing) -> Line:
    return Line(
        "packet", packet.lane, packet.id, packet.title, standing.state, standing.counts, True,
        standing.since, standing.why, NEXT.get(standing.state, "").format(packet.id),
    )  # fmt: skip


def _condition(
    lane: lanes.Lane,
    condition: lanes.Condition,
    stage: str,
    standings: Mapping[tuple[str, str], Standing],
) -> Line:
    if condition.packet:
        standing = standings[lane.id, condition.packet]
        holds, since, why = standing.counts, standing.since, f"{condition.packet} is {standing.state}"
        todo = NEXT.get(standing.state, "").format(condition.packet)
    else:
        holds, since, why = _drilled(condition.drill, lane.shelf_days)
        todo = "" if holds else f"manage.py drill run {condition.drill}"
    return Line(
        "condition", lane.id, condition.id, condition.title, "met" if holds else "open", holds,
        stage in condition.blocks, since, "" if holds else why, todo,
    )  # fmt: skip


def _drilled(drill: str, shelf_days: int) -> tuple[bool, datetime | None, str]:
    """Whether the drill passed when it was last held, within its shelf life; when, and why not."""
    ended = DrillRun.objects.filter(drill=drill, state__in=ENDED).select_related("evidence__run")
    last = ended.defer("evidence__output").first()
    if last is None:
        return False, None, f"the drill {drill} was never held"
    if last.state not in WENT_WELL:
        return False, last.ended_at, f"the drill {drill} failed"
    if not _is_proved(last):
        return False, last.ended_at, f"no evidence says that {drill} passed"
    age = timezone.now() - (last.ended_at or last.started_at)
    if not timedelta(0) <= age <= timedelta(days=shelf_days):
        return False, last.ended_at, f"the drill {drill} was last held more than {shelf_days} days ago"
    return True, last.ended_at, ""


def _is_proved(held: DrillRun) -> bool:
    """By a record of the chain: the run's own row counts for nothing without it."""
    record = held.evidence
    return record is not None and record.passed and record.run.subject == held.drill

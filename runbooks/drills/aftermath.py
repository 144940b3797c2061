"""What the end of a drill brings about: evidence of it, and of one that failed an incident and the end of the
verdicts that it blocks."""

import structlog

from pulse.actors import Actor
from runbooks import evidence, incidents, verdicts
from runbooks.drills.declaration import Drill
from runbooks.drills.rollback import ACTOR
from runbooks.models import DrillRun, DrillStep

log = structlog.get_logger(__name__)

State = DrillRun.State


def settle(held: DrillRun, drill: Drill, *, actor: Actor) -> None:
    """In the transaction that ends the run. One that was stopped, or cannot be held here, proves nothing."""
    if held.state not in (State.PASSED, State.FAILED):
        return
    held.evidence = evidence.record_drill(
        held.drill,
        passed=held.state == State.PASSED,
        journal=told(held),
        started_at=held.started_at,
        seconds=held.seconds or 0.0,
        actor=actor,
        base_url=held.base_url,
    )
    held.version = held.evidence.version
    held.save(update_fields=("evidence", "version"))
    if held.state == State.FAILED:
        log.error("drill failed", drill=held.drill, run=held.pk, blocks=drill.blocks)
        verdicts.lapse(drill=held.drill, stages=drill.blocks, actor=ACTOR)
        incidents.open_from_drill(held, actor=ACTOR, detail=failure_of(held))


def failure_of(held: DrillRun) -> str:
    """What was expected and what was seen, where it failed first."""
    step = held.steps.filter(passed=False).order_by("number").first()
    return f"{step.name}: {step.detail}" if step else ""


def told(held: DrillRun) -> str:
    """The journal as text."""
    return "\n".join(_line(step) for step in held.steps.order_by("number"))


def _line(step: DrillStep) -> str:
    outcome = "ok" if step.passed else "FAILED"
    detail = "".join(f"\n    {line}" for line in step.detail.splitlines())
    return f"{step.number:3} {outcome:<6} {step.phase:<8} {step.name} ({step.seconds:.3f} s){detail}"

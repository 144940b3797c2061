"""Holding a drill: probes, steps, rollback, probes; one at a time, and rolled back whatever becomes of it."""

import fcntl
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from os import getpid
from time import perf_counter
from types import FrameType
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from pulse import audit, faults, frozen, hosted_mode
from pulse.actors import Actor
from runbooks import errors
from runbooks.drills import aftermath, catalogue, rollback, servers
from runbooks.drills.declaration import Act, Drill, title_of
from runbooks.drills.journal import Journal
from runbooks.drills.rehearsal import Rehearsal
from runbooks.models import DrillRun, DrillStep

log = structlog.get_logger(__name__)

PERMISSION = "runbooks.run_drill"
# A run of another machine that has written nothing for so long is taken for dead: no step takes this long.
SILENT_FOR = timedelta(minutes=15)

Tell = Callable[[DrillStep], object]
State = DrillRun.State


class Stopped(BaseException):
    """The process was told to end while it held a drill."""


def run(name: str, *, actor: Actor, tell: Tell = lambda step: None, patience_seconds: float = 0) -> DrillRun:
    """Hold the drill and answer with its run, however it ended; `tell` is given each step as it ends.

    Waits so long for another to end. Raises `DrillNotFound`, `DrillRunning`, `GateKilled`, `Frozen`, and
    `Stopped` once a drill that was stopped by a signal has been rolled back.
    """
    actor.require(PERMISSION)
    drill = catalogue.find(name)
    with _alone(patience_seconds):
        _recover()
        require_quiet()
        held = _begin(drill, actor)
        if reason := why_not(drill):
            Journal(held, tell).keep("probe", f"Not applicable here: {reason}", lambda: None)
            return _end(held, State.NOT_APPLICABLE, perf_counter(), actor)
        return _hold(held, drill, actor, tell)


def why_not(drill: Drill) -> str:
    """Why the drill cannot be held here; empty when it can."""
    if settings.PULSE_HOSTED_MODE != "true":
        return "PULSE_HOSTED_MODE is not the word true"
    return drill.needs()


def require_quiet() -> None:
    """Raise `GateKilled` or `Frozen`: what operators have shut for a reason is not rehearsed on."""
    if hosted_mode.is_killed():
        raise errors.GateKilled
    if frozen.is_frozen():
        raise frozen.Frozen


def recover(*, actor: Actor) -> list[DrillRun]:
    """Roll back what dead processes have left half-done; none while a drill is running."""
    actor.require(PERMISSION)
    try:
        with _alone(0):
            return _recover()
    except errors.DrillRunning:
        return []


def _hold(held: DrillRun, drill: Drill, actor: Actor, tell: Tell) -> DrillRun:
    journal, started, state = Journal(held, tell), perf_counter(), State.FAILED
    rehearsal = Rehearsal(held, journal)
    keep = partial(_keep_all, journal, rehearsal)
    try:
        with _stoppable():
            begun = keep("probe", (_prepare, *drill.probes))
            went_well = begun and keep("step", drill.steps)
    except BaseException:
        state = State.ABANDONED
        raise
    finally:
        with _unstoppable():
            undone = rollback.undo(held, journal)
            rehearsal.return_home()
            if state != State.ABANDONED:
                steady = undone and begun and keep("probe", drill.probes[:2])
                state = State.PASSED if went_well and steady else State.FAILED
            _end(held, state, started, actor)
    return held


def _prepare(rehearsal: Rehearsal) -> None:
    """An operator of the drill's own is appointed"""
    rehearsal.appoint_operator()
    servers.stand_in_where_no_verdict_stands(rehearsal)


def _keep_all(journal: Journal, rehearsal: Rehearsal, phase: str, acts: tuple[Act, ...]) -> bool:
    """Whether all went well; the first that did not is the last that was tried."""
    for act in acts:
        if not journal.keep(phase, title_of(act), partial(act, rehearsal)):
            return False
        faults.reach(f"drill.{act.__name__}")
    return True


def _begin(drill: Drill, actor: Actor) -> DrillRun:
    now = timezone.now()
    try:
        with transaction.atomic():
            held = DrillRun.objects.create(
                drill=drill.name,
                started_at=now,
                beat_at=now,
                actor=actor.name,
                door=actor.door,
                base_url=settings.PULSE_DRILL_URL,
                host=socket.gethostname(),
                process=getpid(),
            )
            audit.record("drill.begin", actor=actor, after={"drill": drill.name, "run": held.pk})
    except IntegrityError:
        raise errors.DrillRunning from None
    return held


def _end(held: DrillRun, state: str, started: float, actor: Actor) -> DrillRun:
    """With all that a drill's end brings about in the same transaction."""
    with transaction.atomic():
        held.state, held.ended_at, held.seconds = state, timezone.now(), perf_counter() - started
        held.save(update_fields=("state", "ended_at", "seconds"))
        audit.record("drill.end", actor=actor, after={"drill": held.drill, "run": held.pk, "state": state})
        aftermath.settle(held, catalogue.find(held.drill), actor=actor)
    return held


def _recover() -> list[DrillRun]:
    """The lock is ours, so that no process of this machine holds a drill: what says so is of a dead one."""
    silent = Q(host=socket.gethostname()) | Q(beat_at__lt=timezone.now() - SILENT_FOR)
    found = DrillRun.objects.filter(silent).filter(Q(state=State.RUNNING) | ~Q(undo=[]))
    return [_roll_back(dead) for dead in found.order_by("pk")]


def _roll_back(dead: DrillRun) -> DrillRun:
    log.warning("drill found half-done", drill=dead.drill, run=dead.pk)
    rollback.undo(dead, Journal(dead, lambda step: None))
    if dead.state == State.RUNNING:
        dead.state, dead.ended_at = State.ABANDONED, timezone.now()
        dead.save(update_fields=("state", "ended_at"))
    return dead


@contextmanager
def _alone(patience_seconds: float) -> Iterator[None]:
    """An advisory lock on the data directory; the kernel lets go of it when the process dies."""
    deadline = time.monotonic() + patience_seconds
    with (settings.PULSE_DATA_DIR / "drill.lock").open("w") as lock:
        while not _locked(lock):
            if time.monotonic() >= deadline:
                raise errors.DrillRunning
            time.sleep(0.5)
        yield


def _locked(lock: Any) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGINT end the drill in order, in a process that has no use of its own for them."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    with _handling({signal.SIGTERM: stop, signal.SIGINT: stop}):
        yield


@contextmanager
def _unstoppable() -> Iterator[None]:
    with _handling({signal.SIGTERM: signal.SIG_IGN, signal.SIGINT: signal.SIG_IGN}):
        yield


@contextmanager
def _handling(handlers: dict[int, Any]) -> Iterator[None]:
    ours = threading.current_thread() is threading.main_thread()
    idle = (signal.SIG_DFL, signal.default_int_handler)
    free = {number: one for number, one in handlers.items() if ours and signal.getsignal(number) in idle}
    before = {number: signal.signal(number, handler) for number, handler in free.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

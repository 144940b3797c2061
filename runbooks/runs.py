"""Runs of evidence: a packet's acceptance commands, one after another, each an entry of the chain."""

import os
import socket
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from pulse import audit, faults
from pulse.actors import Actor, from_job
from runbooks import commands, errors, evidence, lanes, packets, release
from runbooks.models import EvidenceRun, Role
from runbooks.packets import Event
from tenants.models import User

log = structlog.get_logger(__name__)

BEAT_SECONDS = 10
# Without a beat for as long, a run on another host has died. Ours is asked for by its process first.
DEAD_AFTER = timedelta(minutes=2)
DEAD_AFTER_HERE = timedelta(minutes=10)
JUNIT = "{junit}"

Show = Callable[[bytes], None]


def run(packet: lanes.Packet, *, role: Role, actor: Actor, show: Show) -> EvidenceRun:
    """Run the packet's acceptance commands as its implementer or its reviewer, and settle its state.

    `show` gets what they write, as they do. Takes as long as they take, and is in no transaction. Raises
    `PacketState`, `EvidenceRuns`, `OwnReview`, `NotReviewable` and `TestsNotInstalled`.
    """
    _require_tests(packet.acceptance)
    bury_dead()
    opened = _unsaved(packet.id, lane=packet.lane, role=role, actor=actor)
    try:
        packets.start(packet, opened, actor=actor)
    except IntegrityError as error:
        raise errors.EvidenceRuns from error
    return _carry_out(opened, packet.acceptance, actor=actor, show=show)


@transaction.atomic
def enqueue(packet: lanes.Packet, *, role: Role, actor: Actor) -> None:
    """Have a worker run it as this operator. Raises as `run` does, as far as can be told by now."""
    from runbooks.tasks import run_evidence

    _require_tests(packet.acceptance)
    packets.require_startable(packet, role=role, code=release.on_disk(), actor=actor)
    user = actor.user.pk if actor.user else None
    after = {"packet": packet.id, "role": role}
    audit.record("packet.enqueue", actor=actor, after=after)
    run_evidence.enqueue(packet.lane, packet.id, role, user, actor.request_id)


def run_check(
    subject: str, acceptance: Sequence[lanes.Command], *, actor: Actor, show: Show = lambda chunk: None
) -> EvidenceRun:
    """Run commands that prove no packet, such as the scheduled test suite; their results are evidence too.

    Raises `EvidenceRuns` while the same subject is being run, and `TestsNotInstalled`.
    """
    _require_tests(acceptance)
    bury_dead()
    opened = _unsaved(subject, lane="", role=Role.SCHEDULE, actor=actor)
    try:
        with transaction.atomic():
            opened.save(force_insert=True)
    except IntegrityError as error:
        raise errors.EvidenceRuns from error
    return _carry_out(opened, acceptance, actor=actor, show=show)


def _require_tests(acceptance: Sequence[lanes.Command]) -> None:
    if any(commands.is_untestable(command.argv) for command in acceptance):
        raise errors.TestsNotInstalled


def _unsaved(subject: str, *, lane: str, role: Role, actor: Actor) -> EvidenceRun:
    code, now = release.on_disk(), timezone.now()
    return EvidenceRun(
        lane=lane,
        subject=subject,
        role=role,
        actor_kind=actor.kind,
        actor=actor.name,
        version=code.version,
        is_dirty=code.is_dirty,
        host=socket.gethostname(),
        process=os.getpid(),
        started_at=now,
        beat_at=now,
    )


def _carry_out(
    opened: EvidenceRun, acceptance: Sequence[lanes.Command], *, actor: Actor, show: Show
) -> EvidenceRun:
    """All commands, also after one that failed; the run passes if each did, on code that stayed the same."""
    heart = Heart(opened.pk)
    try:
        proved = [_prove(opened, command, actor=actor, show=show, tick=heart.tick) for command in acceptance]
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt | SystemExit)
        _close(opened, failure="interrupted" if interrupted else "could_not_be_kept", actor=actor)
        raise
    changed = release.on_disk() != release.Release(opened.version, opened.is_dirty)
    failure = "code_changed" if changed else ("" if all(proved) else "commands_failed")
    return _close(opened, failure=failure, actor=actor)


def _prove(
    opened: EvidenceRun, command: lanes.Command, *, actor: Actor, show: Show, tick: Callable[[], None]
) -> bool:
    with tempfile.TemporaryDirectory(prefix="pulse-evidence-") as folder:
        report = Path(folder) / "junit.xml"
        outcome = commands.run(
            [word.replace(JUNIT, str(report)) for word in command.argv],
            limit_seconds=command.minutes * 60,
            show=show,
            tick=tick,
            person=actor.user.email if isinstance(actor.user, User) else "",
        )
        junit, flaw = _junit(report) if JUNIT in " ".join(command.argv) else (None, "")
    faults.reach("evidence.proved")
    failure = outcome.failure or flaw
    connection.close_if_unusable_or_obsolete()  # Its command may have been a drill without a database.
    evidence.append(
        opened,
        argv=list(command.argv),
        exit_code=outcome.exit_code,
        passed=not failure,
        failure=failure,
        started_at=outcome.started_at,
        ended_at=outcome.ended_at,
        seconds=outcome.seconds,
        output=outcome.output,
        output_bytes=outcome.output_bytes,
        junit=junit,
    )
    return not failure


def _junit(report: Path) -> tuple[dict[str, Any] | None, str]:
    """The counts of the report, and why they prove nothing: a test that was skipped proves nothing."""
    try:
        # The report was written just now by the command that this lane names.
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314
        counts = {
            name: sum(int(suite.get(name, 0)) for suite in suites)
            for name in ("tests", "failures", "errors", "skipped")
        }
        seconds = sum(float(suite.get("time", 0)) for suite in suites)
    except (OSError, ElementTree.ParseError, ValueError):
        return None, "no_junit"
    junit = {**counts, "seconds": round(seconds, 3)}
    if counts["failures"] or counts["errors"]:
        return junit, "tests_failed"
    if counts["skipped"]:
        return junit, "tests_skipped"
    return junit, "" if counts["tests"] else "no_tests"


@transaction.atomic
def _close(opened: EvidenceRun, *, failure: str, actor: Actor) -> EvidenceRun:
    """Raises `EvidenceRuns` where somebody took us for dead meanwhile."""
    kept = EvidenceRun.objects.select_for_update().get(pk=opened.pk)
    if kept.ended_at is not None:
        raise errors.EvidenceRuns("This run was given up, because its process was taken for dead.")
    kept.ended_at, kept.passed, kept.failure = timezone.now(), not failure, failure
    kept.save()
    if kept.lane:
        packets.settle(kept, Event.FAILED if failure else Event.PASSED, actor=actor)
    return kept


@dataclass(slots=True)
class Heart:
    """Tells now and then that the run's process is alive."""

    run: int
    beaten: float = field(default_factory=time.monotonic)

    def tick(self) -> None:
        if time.monotonic() - self.beaten < BEAT_SECONDS:
            return
        self.beaten = time.monotonic()
        try:
            EvidenceRun.objects.filter(pk=self.run).update(beat_at=timezone.now())
        except DatabaseError:
            connection.close()  # It is met again at the next beat.


def bury_dead() -> int:
    """Mark runs as failed whose process is gone; how many."""
    return sum(_bury(run.pk) for run in EvidenceRun.objects.filter(ended_at=None) if _is_dead(run))


@transaction.atomic
def _bury(key: int) -> bool:
    run = EvidenceRun.objects.select_for_update().get(pk=key)
    if run.ended_at is not None:
        return False
    run.ended_at, run.passed, run.failure = timezone.now(), False, "abandoned"
    run.save()
    log.warning("evidence run abandoned", run=run.pk, subject=run.subject, host=run.host, process=run.process)
    if run.lane:
        packets.settle(run, Event.ABANDONED, actor=from_job("evidence"))
    return True


def _is_dead(run: EvidenceRun) -> bool:
    silent = timezone.now() - run.beat_at
    if run.host != socket.gethostname():
        return silent > DEAD_AFTER
    try:
        os.kill(run.process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # It lives, and is another user's.
    return silent > DEAD_AFTER_HERE

"""Undoing what a drill has done, from what it noted before doing it: also for a run whose process is gone."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from pulse import hosted_mode
from pulse.actors import from_job
from runbooks.drills.journal import Journal
from runbooks.models import DrillRun
from tenants import lifecycle, synthetic
from tenants.models import DEFAULT_ORGANIZATION, Organization, Status

ACTOR = from_job("drill")
ENDS_WITHIN_SECONDS = 20


def note(run: DrillRun, kind: str, what: str) -> None:
    """Keep that there will be something to undo, before it is done."""
    run.undo = [*run.undo, [kind, what]]
    run.save(update_fields=("undo",))


def undo(run: DrillRun, journal: Journal) -> bool:
    """Undo all, the last first; whether nothing is left. What fails is kept, and keeps nothing else."""
    for kind, what in reversed(list(run.undo)):
        verb, title = UNDO[kind]
        if journal.keep("rollback", title.format(what), lambda verb=verb, what=what: verb(what)):  # type: ignore[misc]
            run.undo = [entry for entry in run.undo if entry != [kind, what]]
            run.save(update_fields=("undo",))
    return not run.undo


def erase_organization(organization_id: str) -> None:
    synthetic.erase(organization_id, actor=ACTOR)


def dismiss_person(email: str) -> None:
    synthetic.dismiss(email, actor=ACTOR)


def revive(reason: str) -> None:
    """Unless somebody else has shut it meanwhile, for a reason of their own."""
    hosted_mode.revive_own(actor=ACTOR, reason=reason)


def free_default(_: str) -> None:
    """Only where the guard that is rehearsed has failed."""
    default = Organization.objects.get(id=DEFAULT_ORGANIZATION)
    verbs: dict[str, Callable[..., object]] = {
        Status.SUSPENDED: lifecycle.unsuspend,
        Status.PENDING_DELETION: lifecycle.restore,
    }
    if verb := verbs.get(default.status):
        verb(DEFAULT_ORGANIZATION, actor=ACTOR, reason="rollback of a drill")


def end_process(named: str) -> None:
    """By id and time of start, so that it is none that has got its id since."""
    pid, _, started = named.partition("@")
    if started_at(int(pid)) != started:
        return
    with suppress(ProcessLookupError):
        os.kill(int(pid), signal.SIGTERM)
        deadline = time.monotonic() + ENDS_WITHIN_SECONDS
        while started_at(int(pid)) == started and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(int(pid), os.WNOHANG)
            time.sleep(0.05)
        if started_at(int(pid)) == started:
            os.kill(int(pid), signal.SIGKILL)


def started_at(pid: int) -> str:
    """In the machine's ticks since its start; empty for a process that is none or has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def remove_folder(name: str) -> None:
    shutil.rmtree(folder_of(name), ignore_errors=True)
    if folder_of(name).exists():
        raise OSError(f"{folder_of(name)} cannot be removed")
    with suppress(OSError):  # Another's may be in it.
        folder_of(name).parent.rmdir()


def folder_of(name: str) -> Path:
    return Path(settings.PULSE_DATA_DIR) / "drills" / name


UNDO: dict[str, tuple[Callable[[str], object], str]] = {
    "organization": (erase_organization, "Erase the organization {}"),
    "person": (dismiss_person, "Dismiss {} with their tokens"),
    "kill_switch": (revive, "Take the kill switch off"),
    "default": (free_default, "See that the default organization is active"),
    "process": (end_process, "End the process {}"),
    "folder": (remove_folder, "Remove the folder {}"),
}

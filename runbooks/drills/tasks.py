"""The jobs of drills: thin, and safe to run twice."""

from django.contrib.auth import get_user_model
from django_tasks import task

from pulse.actors import Actor, from_job, from_user
from pulse.problems import Problem
from runbooks import runs
from runbooks.drills import runner, suites

# How long a drill waits for another to end: longer than the longest takes.
WAITS_SECONDS = 600


@task()
def run_drill(name: str, asked_by: str = "") -> str:
    """Hold a drill; how it ended, or the code of what kept it from being held.

    `asked_by` is the public UUID of the operator who asked for it; without one it is a schedule's.
    """
    try:
        return runner.run(name, actor=_who(asked_by), patience_seconds=WAITS_SECONDS).state
    except Problem as refusal:
        return refusal.code


@task()
def recover_drills() -> list[str]:
    """Roll back the drills whose process is gone."""
    return [str(run) for run in runner.recover(actor=from_job("recover-drills"))]


@task()
def run_tests(packet: str = "", lane: str = "") -> bool:
    """Run a packet's acceptance commands, or the whole test suite, as evidence; whether all passed."""
    subject, acceptance = suites.named(packet, lane)
    return bool(runs.run_check(subject, acceptance, actor=from_job("scheduled-tests")).passed)


def _who(public_id: str) -> Actor:
    if not public_id:
        return from_job("drill")
    return from_user(get_user_model().objects.get(public_id=public_id), door="job")

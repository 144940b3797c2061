"""The jobs of runbooks: thin, and safe to run twice."""

from django.contrib.auth import get_user_model
from django.utils import timezone
from django_tasks import task

from pulse.actors import from_job, from_user
from runbooks import breaches, lanes, runs, verdicts
from runbooks.models import Role


@task()
def watch_incident_clocks() -> list[str]:
    """Tell of the clocks of incidents that have run out, once each; which."""
    return breaches.tell()


@task()
def tidy_readiness() -> int:
    """Put expired verdicts on record, and runs of evidence whose process is gone; how many."""
    return verdicts.end_expired(now=timezone.now()) + runs.bury_dead()


@task()
def run_evidence(lane: str, packet: str, role: str, user: int | None, request_id: str) -> bool:
    """Run a packet's evidence as the operator who asked for it; whether it passed."""
    actor = from_job("evidence")
    if user is not None:
        person = get_user_model().objects.get(pk=user, is_active=True)
        actor = from_user(person, door="job", request_id=request_id)
    found = lanes.find_packet(packet, lane=lane)
    return bool(runs.run(found, role=Role(role), actor=actor, show=lambda chunk: None).passed)

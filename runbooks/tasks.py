"""The jobs of runbooks: thin, and safe to run twice."""

from django.utils import timezone
from django_tasks import task

from runbooks import breaches, runs, verdicts


@task()
def watch_incident_clocks() -> list[str]:
    """Tell of the clocks of incidents that have run out, once each; which."""
    return breaches.tell()


@task()
def tidy_readiness() -> int:
    """Put expired verdicts on record, and runs of evidence whose process is gone; how many."""
    return verdicts.end_expired(now=timezone.now()) + runs.bury_dead()

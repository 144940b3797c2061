"""The jobs of runbooks: thin, and safe to run twice."""

from django_tasks import task

from runbooks import breaches


@task()
def watch_incident_clocks() -> list[str]:
    """Tell of the clocks of incidents that have run out, once each; which."""
    return breaches.tell()

"""The jobs of billing: thin, and safe to run twice."""

from datetime import datetime

from django.utils import timezone
from django_tasks import task

from billing import mails, propagation, reconciliation, stripe_client, stripe_events
from pulse.actors import from_job


@task()
def process_stripe_events() -> int:
    """Process every event that waits and is due; how many."""
    return stripe_events.process_due(now=timezone.now())


@task()
def tidy_stripe_events() -> int:
    """Drop the events that were done with three months ago; how many."""
    return stripe_events.tidy(now=timezone.now())


@task()
def measure_propagation(organization_id: str, changed_at: str) -> float | None:
    """Seconds from the change until now, when this process obeys it."""
    return propagation.measure(organization_id, changed_at=datetime.fromisoformat(changed_at))


@task()
def mail_owners(organization_id: str, mail: str) -> int:
    """Tell the owners of a change of their subscription; how many were told."""
    return mails.send(organization_id, mail)


@task()
def tell_of_ends() -> dict[str, list[str]]:
    """Mail about trials that end soon, and about what the clock has ended."""
    return mails.tell_of_ends(now=timezone.now())


@task()
def reconcile_with_stripe() -> int:
    """Report where Stripe's subscriptions differ from ours, by log and metric; how many."""
    if not stripe_client.is_configured():
        return 0
    return sum(1 for _ in reconciliation.reconcile(actor=from_job("billing-reconcile")))

"""The jobs of the ground floor."""

from django.core.management import call_command
from django_tasks import task

from pulse import idempotency, outbox


@task()
def tidy() -> int:
    """Drop finished jobs after a week, ended sessions, and idempotency keys after a day; how many keys."""
    call_command("clearsessions")
    call_command("prune_db_task_results", min_age_days=7, failed_min_age_days=30, verbosity=0)
    return idempotency.prune()


@task()
def deliver_mails() -> int:
    """Send the mails that are due; how many."""
    return outbox.deliver()

"""The jobs of tenants: thin, and safe to run twice."""

from django_tasks import task

from pulse.actors import from_job
from tenants import mails, provisioning, reaper, signups


@task()
def reap() -> int:
    """Purge all that is past its retention; how many."""
    return sum(1 for outcome in reaper.reap(actor=from_job("reap")) if not outcome.refusal)


@task()
def reconcile() -> list[str]:
    """Clear the leftovers of crashes."""
    return provisioning.reconcile(actor=from_job("reconcile")).cleared


@task()
def mail_owners(organization_id: str, verb: str) -> int:
    """Tell the owners of a lifecycle change; how many were told."""
    return mails.tell_owners(organization_id, verb=verb)


@task()
def answer_signups() -> int:
    """Write to those who asked to sign up; how many."""
    return signups.answer()


@task()
def tidy_signups() -> int:
    """Drop the sign-ups that nobody can finish any more; how many."""
    return signups.tidy()

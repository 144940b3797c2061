"""The jobs of tenants: thin, and safe to run twice."""

from django_tasks import task

from pulse import jobs
from pulse.actors import from_job
from tenants import bulk, counting, mails, provisioning, reaper, signups
from tenants.accounts import history, reset
from tenants.sso import domains


@task()
def reap() -> int:
    """Purge all that is past its retention; how many."""
    return sum(1 for outcome in reaper.reap(actor=from_job("reap")) if not outcome.refusal)


@task()
def reconcile() -> list[str]:
    """Clear the leftovers of crashes."""
    return provisioning.reconcile(actor=from_job("reconcile")).cleared


@task()
def count() -> int:
    """Keep how many organizations of each status there are as the day begins; how many statuses."""
    return counting.keep()


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


@task()
def prove_domains_again() -> list[str]:
    """Look at every proven domain once more; those that have lost their claim."""
    return domains.prove_again(actor=from_job("prove-domains"))


@task()
def mail_password_reset(email: str) -> int:
    """Write to whoever asked for a new password; how many accounts the address has."""
    return reset.write_to(email)


@task()
def record_failed_sign_in(public_id: str, request_id: str) -> bool:
    """Put it into the audit log, if there was somebody whose account it was."""
    return history.record_failure(public_id, request_id)


@task()
def proceed_with_bulk_runs() -> bool:
    """Carry on with what was wanted for many organizations; whether something is left."""
    left = bulk.proceed()
    if left and not jobs.is_waiting(proceed_with_bulk_runs.module_path):
        proceed_with_bulk_runs.enqueue()
    return left

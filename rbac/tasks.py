"""The jobs of rbac: thin, and safe to run twice."""

from django.conf import settings
from django.utils import timezone
from django_tasks import task

from pulse.actors import from_job
from rbac import backups, fleet, integrity, restoring
from tenants.models import Organization


@task()
def back_up_all() -> dict[str, int]:
    """Back up every living organization, and prune what is past its retention; how many of each."""
    living = Organization.objects.living().values_list("id", flat=True).order_by("id")
    outcomes = [outcome.error for outcome in backups.make_all(living, actor=from_job("backup"))]
    removed = backups.prune(keep_days=settings.PULSE_BACKUP_DAYS, now=timezone.now())
    return {"made": outcomes.count(None), "failed": len(outcomes) - outcomes.count(None), "removed": removed}


@task()
def verify_all() -> dict[str, list[str]]:
    """Check every living organization's database, for log and metric; the findings by organization."""
    living = Organization.objects.living().values_list("id", flat=True).order_by("id")
    # All ids first: SQLite lets nobody write on a connection that is still reading an older state.
    findings = {one: integrity.verify(one) for one in list(living)}
    return {one: found for one, found in findings.items() if found}


@task()
def rehearse_restore() -> str:
    """Rehearse the restore of one tenant at random; its id, or empty without backups."""
    rehearsed = restoring.rehearse(actor=from_job("rehearse"))
    return rehearsed.organization if rehearsed else ""


@task()
def migrate() -> dict[str, int]:
    """Bring tenants that are behind to the current schema, as after a restore from before an upgrade."""
    behind = list(fleet.behind().values_list("id", flat=True))
    outcomes = [outcome.error for outcome in fleet.migrate(behind, actor=from_job("migrate"), workers=1)]
    return {"done": outcomes.count(None), "failed": len(outcomes) - outcomes.count(None)}

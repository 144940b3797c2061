"""What has become of drills, as every door shows it."""

from typing import Any

from django.db.models import QuerySet

from runbooks.drills.declaration import Drill, title_of
from runbooks.models import DrillRun

PERMISSION = "runbooks.view_drillrun"
FINE = (DrillRun.State.PASSED, DrillRun.State.NOT_APPLICABLE)


def runs_of(name: str | None = None) -> QuerySet[DrillRun]:
    """The newest first; of all drills without a name."""
    runs = DrillRun.objects.order_by("-pk")
    return runs.filter(drill=name) if name else runs


def last_of(drill: Drill) -> DrillRun | None:
    return runs_of(drill.name).first()


def summary(drill: Drill) -> dict[str, Any]:
    """A row of the list."""
    last = last_of(drill)
    return {
        "name": drill.name,
        "title": drill.title,
        "blocks": ", ".join(drill.blocks),
        "last_run_at": last and last.started_at,
        "last_state": last and last.state,
    }


def declared(drill: Drill) -> dict[str, Any]:
    """All that its declaration says."""
    return {
        "name": drill.name,
        "title": drill.title,
        "purpose": drill.purpose,
        "blast_radius": drill.blast_radius,
        "blocks": list(drill.blocks),
        "not_applicable": drill.needs(),
        "probes": [title_of(act) for act in drill.probes],
        "steps": [title_of(act) for act in drill.steps],
    }


def described(run: DrillRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "drill": run.drill,
        "state": run.state,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "seconds": run.seconds and round(run.seconds, 3),
        "actor": run.actor,
        "door": run.door,
        "base_url": run.base_url,
        "version": run.version,
    }


def steps_of(run: DrillRun) -> list[dict[str, Any]]:
    columns = ("number", "phase", "name", "passed", "detail", "started_at", "seconds")
    return list(run.steps.values(*columns))

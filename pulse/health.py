"""`/healthz` (the process answers), `/readyz` (it can do its work) and `/metrics`."""

import tempfile
from collections.abc import Callable

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from pulse import hosted_mode, jobs
from pulse.clients import is_local
from pulse.metrics import kept_registry, scrape_collectors
from pulse.problems import PermissionRefused, respond

# Who may scrape from elsewhere; tenants puts the check of a token's scope `metrics` here.
may_scrape: Callable[[HttpRequest], bool] = lambda request: False  # noqa: E731


def alive(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 when every check holds, else 503; the gate's state is told and does not count.

    Without a database nothing else is asked of it: each question would wait for it anew.
    """
    database = _outcome(_database)
    checks = {DEFAULT_DB_ALIAS: database, "data_directory": _outcome(_data_directory)}
    for name, check in ASKED_OF_THE_DATABASE.items():
        checks[name] = _outcome(check) if database == "ok" else "unknown: no database"
    is_ready = all(outcome == "ok" for outcome in checks.values())
    body = {"status": "ready" if is_ready else "not ready", "checks": checks}
    return JsonResponse(body | (_gate() if database == "ok" else {}), status=200 if is_ready else 503)


def _gate() -> dict[str, object]:
    try:
        state = hosted_mode.state()
        waiting = jobs.oldest_waiting_seconds(now=timezone.now())
    except Exception:
        return {}
    gate = {"open": state.open, "stage": settings.PULSE_STAGE, "reasons": state.reasons}
    return {"gate": gate, "oldest_waiting_task_seconds": round(waiting, 1)}


def _outcome(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:
        return f"failed: {type(error).__name__}"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    # Tenants' tables are migrated in their own databases.
    pending = executor.migration_plan(
        [node for node in executor.loader.graph.leaf_nodes() if node[0] != "rbac"]
    )
    return f"{len(pending)} to apply: run manage.py migrate" if pending else "ok"


def _data_directory() -> str:
    with tempfile.TemporaryFile(dir=settings.PULSE_DATA_DIR) as probe:
        probe.write(b"ready")
        probe.flush()
    return "ok"


def _worker() -> str:
    return "ok" if jobs.is_alive("worker", now=timezone.now()) else "no live worker"


def _scheduler() -> str:
    return "ok" if jobs.is_alive("scheduler", now=timezone.now()) else "no live scheduler"


ASKED_OF_THE_DATABASE: dict[str, Callable[[], str]] = {
    "migrations": _migrations,
    "worker": _worker,
    "scheduler": _scheduler,
}


def metrics_page(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, over all processes; for loopback or a token with the scope `metrics`."""
    if not is_local(request) and not may_scrape(request):
        return respond(request, PermissionRefused("Metrics are for loopback or a token."))
    counted = CollectorRegistry()
    for collector in scrape_collectors:
        counted.register(collector)
    return HttpResponse(
        generate_latest(kept_registry()) + generate_latest(counted), content_type=CONTENT_TYPE_LATEST
    )

"""What the first page tells of readiness: the verdict, open incidents, drills and error budgets."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from pulse.admin import home
from pulse.admin.home import Concern, Figure, Harm, Panel, Part
from runbooks import clocks, slos, verdicts
from runbooks.drills import history
from runbooks.models import DrillRun, Incident, Severity

RECENT = 3
KEPT_SECONDS = 30
# What an incident hurts, by its severity: a leak is of data, what its playbook is about.
HARMS = {Severity.P1: Harm.DATA, Severity.P2: Harm.MONEY, Severity.P3: Harm.SERVICE, Severity.P4: Harm.GUARD}


def part(request: HttpRequest) -> Part:
    may = request.user.has_perm
    panels: list[Panel] = []
    concerns: list[Concern] = []
    if may(verdicts.VIEW):
        panels.append(Panel("Readiness", "fact_check", (_verdict(),)))
        concerns += _without_verdict()
    if may("runbooks.view_incident"):
        incidents = list(Incident.objects.unresolved().order_by("severity", "pk")[: home.MOST_COUNTED])
        panels.append(Panel("Open incidents", "emergency", tuple(_by_severity(incidents))))
        concerns += [_incident(one) for one in incidents[:RECENT]]
        # Prometheus is asked once for many pages: it may be slow, and this page must not be.
        statuses = cache.get_or_set("runbooks.home.slos", slos.status, KEPT_SECONDS) or []
        panels.append(Panel("Error budgets left", "speed", tuple(_budgets(statuses))))
        concerns += _overspent(statuses)
    if may(history.PERMISSION):
        panels.append(Panel("Last drills", "exercise", tuple(_drills())))
        concerns += _failed_drills()
    return Part(tuple(panels), tuple(concerns))


def _verdict() -> Figure:
    """Of the stage that runs here, with the days that are left."""
    stage = settings.PULSE_STAGE
    board = reverse("admin:runbooks_packet_changelist")
    if stage == "development":
        return Figure("Verdict", "none needed", board, "stage development")
    latest = verdicts.latest(stage)
    if latest is None:
        return Figure("Verdict", "never signed", board, f"stage {stage}")
    left = max(0, (latest.expires_at - timezone.now()).days)
    page = reverse("admin:runbooks_verdict_change", args=(latest.pk,))
    return Figure(
        "Verdict", verdicts.state_of(latest), page, f"{latest.outcome} for {stage}, {left} days left"
    )


def _without_verdict() -> Iterator[Concern]:
    stage = settings.PULSE_STAGE
    if stage != "development" and not verdicts.stands(stage):
        board = reverse("admin:runbooks_packet_changelist")
        yield Concern(
            Harm.SERVICE, f"No verdict stands for {stage}: the gate is shut", board, "See what is missing"
        )


def _by_severity(incidents: list[Incident]) -> Iterator[Figure]:
    path = reverse("admin:runbooks_incident_changelist")
    for severity in Severity:
        open_ones = [one for one in incidents if one.severity == severity]
        yield Figure(severity, len(open_ones), f"{path}?severity__exact={severity}", _next_clock(open_ones))


def _next_clock(incidents: list[Incident]) -> str:
    """Of all their clocks that run, the one that ends first."""
    now = timezone.now()
    running = [clock for one in incidents for clock in clocks.of(one) if clock.met_at is None]
    first = min(running, key=lambda clock: clock.due_at, default=None)
    if first is None:
        return ""
    if first.has_run_out(now):
        return f"{first.name} is overdue"
    return f"{first.name} within {_hours(first.due_at, now)}"


def _hours(due_at: datetime, now: datetime) -> str:
    minutes = int((due_at - now).total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _incident(incident: Incident) -> Concern:
    page = reverse("admin:runbooks_incident_change", args=(incident.pk,))
    text = f"{incident.severity} {incident.name}: {incident.title}"
    clock = _next_clock([incident])
    return Concern(
        HARMS[Severity(incident.severity)],
        f"{text} ({clock})" if clock else text,
        page,
        "Handle it",
        incident.opened_at,
    )


def _drills() -> Iterator[Figure]:
    runs = history.runs_of()[:RECENT]
    if not runs:
        yield Figure("Held so far", 0, reverse("drills"))
    for run in runs:
        yield Figure(run.drill, run.state.replace("_", " "), reverse("drill", args=(run.drill,)))


def _failed_drills() -> Iterator[Concern]:
    """Drills whose newest run has failed, among the newest runs."""
    newest: dict[str, DrillRun] = {}
    for run in history.runs_of()[:50]:
        newest.setdefault(run.drill, run)
    for name, run in newest.items():
        if run.state == DrillRun.State.FAILED:
            page = reverse("drill", args=(name,))
            yield Concern(Harm.GUARD, f"The drill {name} failed", page, "See its journal", run.ended_at)


def _budgets(statuses: Iterable[slos.Status]) -> Iterator[Figure]:
    page = reverse("objectives")
    for status in statuses:
        yield Figure(status.slo.title, f"{max(0.0, status.budget_left):.0%}", page)


def _overspent(statuses: Iterable[slos.Status]) -> Iterator[Concern]:
    """As far as Prometheus knows: counts since a start are few, of which one failure is much."""
    for status in statuses:
        if status.is_exhausted and status.source == slos.PROMETHEUS:
            text = f"The error budget of {status.slo.title} is spent"
            yield Concern(Harm.SERVICE, text, reverse("objectives"), "See the objective")


home.sources.append(part)

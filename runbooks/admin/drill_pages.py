"""Drills: what there is and how it went, and a page for each with its button, its journal and its history."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from pulse.admin import actors
from pulse.admin.pages import OperatorPage
from pulse.models import Schedule
from pulse.problems import Problem
from runbooks.admin.drill_chart import chart_of
from runbooks.drills import asking, catalogue, history, runner
from runbooks.drills.declaration import Drill
from runbooks.models import DrillRun

State = DrillRun.State
# The word tells it too: the colour is never the only sign.
COLOURS: dict[str, str] = {
    State.RUNNING: "info",
    State.PASSED: "success",
    State.FAILED: "danger",
    State.NOT_APPLICABLE: "default",
    State.ABANDONED: "warning",
}
CHARTED = 40


class DrillsPage(OperatorPage):
    """All drills, with their last run and their next one."""

    permission = history.PERMISSION

    def get(self, request: HttpRequest) -> TemplateResponse:
        schedules = _schedules()
        rows = [
            {
                "drill": drill,
                "run": _coloured(history.last_of(drill)),
                "schedules": schedules.get(drill.name, ()),
            }
            for drill in catalogue.DRILLS
        ]
        context = admin.site.each_context(request) | {"title": "Drills", "rows": rows}
        return TemplateResponse(request, "runbooks/admin/drills.html", context)


class DrillPage(OperatorPage):
    """One drill: what it does and to whom, its button, how it goes, how it went."""

    permission = history.PERMISSION

    def get(self, request: HttpRequest, name: str) -> TemplateResponse:
        drill = catalogue.find(name)
        runs = list(history.runs_of(name)[:CHARTED])
        context = admin.site.each_context(request) | {
            "title": drill.title,
            "drill": drill,
            "declared": history.declared(drill),
            "not_applicable": runner.why_not(drill),
            "may_run": self.actor.may(runner.PERMISSION),
            "schedules": _schedules().get(name, ()),
            "chart": chart_of(runs),
            "runs": [_coloured(run) for run in runs[:10]],
            **_journal(drill),
        }
        return TemplateResponse(request, "runbooks/admin/drill.html", context)


class Journal(OperatorPage):
    """The journal of the drill's last run, asked for again and again by the page while it grows."""

    permission = history.PERMISSION

    def get(self, request: HttpRequest, name: str) -> TemplateResponse:
        return TemplateResponse(request, "runbooks/admin/drill_journal.html", _journal(catalogue.find(name)))


class Hold(OperatorPage):
    """Has a worker hold the drill."""

    permission = runner.PERMISSION
    http_method_names = ["post"]

    def post(self, request: HttpRequest, name: str) -> HttpResponse:
        try:
            asking.ask(name, actor=self.actor)
            messages.success(request, "A worker holds the drill: its journal is below.")
        except Problem as refusal:
            messages.error(request, refusal.detail)
        return HttpResponseRedirect(reverse("drill", args=(name,)))


def _journal(drill: Drill) -> dict[str, Any]:
    run = history.last_of(drill)
    waits = asking.waiting().filter(args_kwargs__kwargs__name=drill.name).exists()
    is_running = run is not None and run.state == State.RUNNING
    steps = run.steps.order_by("number") if run else ()
    return {
        "drill": drill,
        "run": _coloured(run),
        "steps": steps,
        "is_live": is_running or waits,
        "waits": waits,
    }


def _coloured(run: DrillRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    words = str(run.get_state_display()).lower()
    return {
        "row": run,
        "words": words,
        "colour": COLOURS[run.state],
        "who": actors.names_of([run.actor]).get(run.actor, run.actor),
    }


def _schedules() -> dict[str, Sequence[Schedule]]:
    """By the drill that they hold."""
    found: dict[str, list[Schedule]] = {}
    for schedule in Schedule.objects.filter(task=asking.TASK):
        found.setdefault(str(schedule.arguments.get("name")), []).append(schedule)
    return {name: tuple(schedules) for name, schedules in found.items()}


view = admin.site.admin_view
urlpatterns = [
    path("", view(DrillsPage.as_view()), name="drills"),
    path("<slug:name>/", view(DrillPage.as_view()), name="drill"),
    path("<slug:name>/journal/", view(Journal.as_view()), name="drill-journal"),
    path("<slug:name>/run/", view(Hold.as_view()), name="drill-run"),
]

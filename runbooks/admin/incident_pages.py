"""Pages about incidents beside the page of each: its clocks as they count, its export, and the playbooks."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from pulse.admin.pages import OperatorPage
from runbooks import clocks, incident_reports, incidents, playbooks
from runbooks.actions import ACTIONS
from runbooks.models import Incident

VIEW = "runbooks.view_incident"


def shown_clocks(incident: Incident) -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {
            "name": clocks.DONE[clock.name].capitalize(),
            "clock": clock,
            "words": incident_reports.in_words(clock.left(now)),
            "colour": _colour(clock, now),
        }
        for clock in clocks.of(incident)
    ]


def _colour(clock: clocks.Clock, now: Any) -> str:
    if clock.has_run_out(now) or clock.was_late:
        return "danger"
    return "success" if clock.met_at else "warning"


def sections(incident: Incident, names: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The steps under their headings, with their commands filled in."""
    found: dict[str, list[dict[str, Any]]] = {}
    for step in incident.steps.all():
        shown = {
            "step": step,
            "text": html(step.text),
            "decision": html(step.decision) if step.decision else "",
            "commands": [incident_reports.filled_in(command, incident) for command in step.commands],
            "action": ACTIONS.get(step.button),
            "query": f"?step={step.number}",
            "done_by": names.get(step.done_by, step.done_by),
        }
        found.setdefault(step.section, []).append(shown)
    return found


def shown_entries(incident: Incident, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The timeline, the newest first."""
    return [
        {
            "entry": entry,
            "actor": names.get(entry.actor, entry.actor),
            "text": incident_reports.told(entry, names),
        }
        for entry in reversed(incident.entries.all())
    ]


def html(markdown: str) -> SafeString:
    """Markdown as HTML, in which whatever is HTML already is shown as text."""
    return mark_safe(playbooks.render(markdown))  # noqa: S308 - the renderer escapes


class Clocks(OperatorPage):
    """The clocks alone, asked for again and again by the page that shows them."""

    permission = VIEW

    def get(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.model_admin.get_object(request, object_id)
        if row is None:
            raise Http404
        context = {"incident": row, "clocks": shown_clocks(row)}
        return TemplateResponse(request, "runbooks/admin/incident_clocks.html", context)


class Export(OperatorPage):
    permission = VIEW

    def get(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.model_admin.get_object(request, object_id)
        if row is None:
            raise Http404
        return HttpResponse(
            incident_reports.markdown(incidents.found(row.pk)),
            content_type="text/markdown; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{row.name}.md"'},
        )


class Playbooks(OperatorPage):
    permission = VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        context = self.model_admin.frame(request) | {
            "title": "Playbooks",
            "playbooks": [(one, _times(one)) for one in playbooks.everything().values()],
        }
        return TemplateResponse(request, "runbooks/admin/playbooks.html", context)


class Playbook(OperatorPage):
    permission = VIEW

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        if name not in playbooks.everything():
            raise Http404
        found = playbooks.named(name)
        context = self.model_admin.frame(request) | {
            "title": found.title,
            "playbook": found,
            "times": _times(found),
            "body": html(found.body),
        }
        return TemplateResponse(request, "runbooks/admin/playbook.html", context)


def _times(playbook: playbooks.Playbook) -> list[tuple[str, str]]:
    return [
        (clocks.DONE[name], incident_reports.in_words(time).removesuffix(" left"))
        for name, time in playbook.clocks.items()
    ]


BY_NAME: dict[str, tuple[str, type[OperatorPage]]] = {
    "playbooks": ("playbooks/", Playbooks),
    "playbook": ("playbooks/<slug:name>/", Playbook),
    "clocks": ("<str:object_id>/clocks/", Clocks),
    "export": ("<str:object_id>/export/", Export),
}

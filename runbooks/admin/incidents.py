"""Incidents: the list, open ones first, and the page of each, on which one works."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from pulse.admin import moments
from pulse.admin.pages import Button, ReadOnlyAdmin
from runbooks import clocks, incident_reports, playbooks
from runbooks.actions import ACTIONS
from runbooks.admin import incident_forms, incident_pages
from runbooks.clocks import Clock
from runbooks.handling import TRANSITIONS, Status, status_of
from runbooks.incidents import HANDLE
from runbooks.models import Incident, Severity

SEVERITY_COLOURS: dict[str, str] = {
    Severity.P1: "danger",
    Severity.P2: "warning",
    Severity.P3: "info",
    Severity.P4: "default",
}
STATUS_COLOURS: dict[str, str] = {
    Status.OPEN: "danger",
    Status.ACKNOWLEDGED: "warning",
    Status.CONTAINED: "info",
    Status.RESOLVED: "success",
    Status.REVIEWED: "default",
}
BUTTONS = {
    "acknowledge": ("Acknowledge", "back_hand", ActionVariant.PRIMARY),
    "contain": ("Contained", "shield", ActionVariant.PRIMARY),
    "resolve": ("Resolve", "check_circle", ActionVariant.SUCCESS),
    "review": ("Review", "groups", ActionVariant.PRIMARY),
}


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    page_template = "runbooks/admin/incident.html"
    list_display = ("number", "what", "how_bad", "how_far", "urgent", "whose", "opened")
    list_filter = (("severity", ChoicesDropdownFilter), ("source", ChoicesDropdownFilter))
    search_fields = ("title", "playbook")
    list_select_related = ("owner",)
    export_fields = (
        "id", "title", "playbook", "severity", "source", "opened_at", "opened_by", "owner__email",
        "organizations", "acknowledge_by", "acknowledged_at", "contain_by", "contained_at", "resolve_by",
        "resolved_at", "review_by", "reviewed_at",
    )  # fmt: skip
    ordering = (F("resolved_at").desc(nulls_first=True), "severity", "-pk")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        forms = [
            path(
                f"<str:object_id>/{name}/",
                view(form.as_view(model_admin=self)),
                name=f"runbooks_incident_{name}",
            )
            for name, form in incident_forms.BY_NAME.items()
        ]
        forms += [
            path(
                f"<str:object_id>/{part}/",
                view(form.as_view(model_admin=self)),
                name=f"runbooks_incident_{part.partition('/')[0]}",
            )
            for part, form in incident_forms.BY_PART.items()
        ]
        pages = [
            path(route, view(page.as_view(model_admin=self)), name=f"runbooks_incident_{name}")
            for name, (route, page) in incident_pages.BY_NAME.items()
        ]
        opening = view(incident_forms.Open.as_view(model_admin=self))
        return [path("open/", opening, name="runbooks_incident_open"), *pages, *forms, *super().get_urls()]

    def list_buttons(self, request: HttpRequest) -> Sequence[Button]:
        playbook_list = Button("Playbooks", self.path_of("playbooks"), "menu_book", dialog=False)
        if not request.user.has_perm(HANDLE):
            return (playbook_list,)
        opening = Button("Open incident", self.path_of("open"), "e911_emergency", ActionVariant.DANGER)
        return (playbook_list, opening)

    def row_buttons(self, request: HttpRequest, row: Incident) -> Sequence[Button]:
        export = Button("Export", self.path_of("export", row.pk), "download", dialog=False)
        if not request.user.has_perm(HANDLE):
            return (export,)
        status = status_of(row)
        steps = [
            Button(title, self.path_of(verb, row.pk), icon, variant)
            for verb, (title, icon, variant) in BUTTONS.items()
            if status in TRANSITIONS[verb].sources
        ]
        if row.resolved_at is None:
            steps.append(Button("Severity", self.path_of("severity", row.pk), "swap_vert"))
        return (*steps, Button("Owner", self.path_of("owner", row.pk), "person"), export)

    def page_context(self, request: HttpRequest, row: Incident) -> dict[str, Any]:
        names = incident_reports.names_in(row)
        status = status_of(row)
        playbook = playbooks.everything().get(row.playbook)
        return {
            "incident": row,
            "status": status,
            "status_colour": STATUS_COLOURS[status],
            "severity_colour": SEVERITY_COLOURS[row.severity],
            "playbook": playbook,
            "opened_by": names.get(row.opened_by, row.opened_by),
            "clocks": incident_pages.shown_clocks(row),
            "sections": incident_pages.sections(row, names),
            "entries": incident_pages.shown_entries(row, names),
            "actions": ACTIONS.items(),
            "may_handle": request.user.has_perm(HANDLE),
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return super().get_queryset(request).select_related("owner")

    @display(description="Incident", ordering="pk")
    def number(self, incident: Incident) -> str:
        return incident.name

    @display(description="Title")
    def what(self, incident: Incident) -> str:
        return incident.title

    @display(description="Severity", ordering="severity", label=SEVERITY_COLOURS)
    def how_bad(self, incident: Incident) -> str:
        return incident.severity

    @display(description="Status", label=STATUS_COLOURS)
    def how_far(self, incident: Incident) -> tuple[str, str]:
        status = status_of(incident)
        return str(status), str(status.label)

    @display(description="Next clock")
    def urgent(self, incident: Incident) -> SafeString | str:
        running = [clock for clock in clocks.of(incident) if clock.met_at is None]
        return _counting(running[0], timezone.now()) if running else moments.NOTHING

    @display(description="Owner")
    def whose(self, incident: Incident) -> str:
        return incident.owner.email if incident.owner else moments.NOTHING

    @display(description="Opened (UTC)", ordering="opened_at")
    def opened(self, incident: Incident) -> SafeString | str:
        return moments.short(incident.opened_at)


def _counting(clock: Clock, now: datetime) -> SafeString:
    late = mark_safe(' class="pulse-late"') if clock.has_run_out(now) else ""
    return format_html("<span{}>{}: {}</span>", late, clock.name, incident_reports.in_words(clock.left(now)))

"""The audit log: found by what an index answers, read, and verified."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from pulse import audit
from pulse.admin import actors, moments
from pulse.admin.filters import BoundedPaginator, DayRangeFilter, ExactFilter, UsedValuesFilter
from pulse.admin.pages import Button, ReadOnlyAdmin
from pulse.models import AuditEvent, AuditHead

DOOR_COLOURS = {"admin": "info", "api": "primary", "command": "warning", "job": "default"}


class VerbFilter(UsedValuesFilter):
    title = "verb"
    parameter_name = "verb"


class DoorFilter(DropdownFilter):
    title = "door"
    parameter_name = "door"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(door, door) for door in DOOR_COLOURS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(door=self.value()) if self.value() else queryset


# What an organization's story is filtered by, each part with the beginnings of its verbs.
PARTS = {
    "lifecycle": ("Lifecycle", ("organization.",)),
    "people": ("People", ("member.", "owner.", "invitation.", "token.", "sso.")),
    "access": ("Roles", ("roles.", "recovery.")),
    "billing": ("Billing", ("billing.",)),
    "data": ("Data", ("database.",)),
    "support": ("Looks and support", ("access.", "support.")),
    "mail": ("Mails", ("mail.",)),
    "incident": ("Incidents", ("incident.",)),
}


def of_part(events: QuerySet[AuditEvent], part: str) -> QuerySet[AuditEvent]:
    """Those whose verbs belong to the part; all for an unknown one."""
    if part not in PARTS:
        return events
    _, beginnings = PARTS[part]
    return events.filter(reduce(or_, (Q(verb__startswith=one) for one in beginnings)))


class PartFilter(DropdownFilter):
    """Of one organization alone: among all events no index answers it."""

    title = "part"
    parameter_name = "part"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, title) for name, (title, _) in PARTS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return of_part(queryset, self.value() or "") if request.GET.get("organization") else queryset


class OrganizationFilter(ExactFilter):
    title = "organization"
    parameter_name = "organization"


class ActorFilter(ExactFilter):
    """By what the log keeps, a public UUID, or by the e-mail address of its user."""

    title = "actor"
    parameter_name = "actor"

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        wanted = (self.value() or "").strip()
        return queryset.filter(actor=actors.actor_named(wanted)) if wanted else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    page_template = "pulse/admin/audit_event.html"
    paginator = BoundedPaginator
    list_display = ("number", "when", "what", "organization_page", "who", "through", "reason")
    list_filter = (
        VerbFilter,
        DoorFilter,
        OrganizationFilter,
        PartFilter,
        ActorFilter,
        ("at", DayRangeFilter),
    )
    search_fields = ("request_id__exact",)
    search_help_text = "A request id"
    export_fields = (
        "sequence", "at", "verb", "organization", "actor_kind", "actor", "door", "before", "after", "reason",
        "request_id", "previous_hash", "hash",
    )  # fmt: skip
    ordering = ("-sequence",)

    def get_urls(self) -> list[URLPattern]:
        verify = self.admin_site.admin_view(self.verify_view)
        return [path("verify/", verify, name="pulse_auditevent_verify"), *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.result_list = actors.name_actors(changelist.result_list)
        return changelist

    def list_buttons(self, request: HttpRequest) -> Sequence[Button]:
        return (Button("Verify the chain", self.path_of("verify"), "verified", dialog=False),)

    def page_context(self, request: HttpRequest, row: AuditEvent) -> dict[str, Any]:
        actors.name_actors([row])
        neighbours = AuditEvent.objects.filter(sequence__in=(row.sequence - 1, row.sequence + 1))
        return {
            "title": f"Event #{row.sequence}",
            "event": row,
            "door_colour": DOOR_COLOURS.get(row.door, "default"),
            "neighbours": neighbours.order_by("sequence"),
        }

    def verify_view(self, request: HttpRequest) -> TemplateResponse:
        """Walk the whole chain; on a large log this takes seconds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.frame(request) | {
            "title": "Verify the chain",
            "broken": audit.verify(),
            "head": AuditHead.objects.filter(id=1).first(),
        }
        return TemplateResponse(request, "pulse/admin/audit_verify.html", context)

    @display(description="#", ordering="sequence")
    def number(self, event: AuditEvent) -> int:
        return event.sequence

    @display(description="When (UTC)")
    def when(self, event: AuditEvent) -> SafeString | str:
        return moments.short(event.at)

    @display(description="Verb")
    def what(self, event: AuditEvent) -> SafeString:
        return format_html("<code>{}</code>", event.verb)

    @display(description="Organization")
    def organization_page(self, event: AuditEvent) -> SafeString | str:
        if not event.organization:
            return moments.NOTHING
        page = reverse("admin:tenants_organization_change", args=(event.organization,))
        return format_html('<a class="pulse-link" href="{}">{}</a>', page, event.organization)

    @display(description="Actor")
    def who(self, event: AuditEvent) -> str:
        return str(getattr(event, "actor_name", event.actor))

    @display(description="Door", label=DOOR_COLOURS)
    def through(self, event: AuditEvent) -> str:
        return event.door

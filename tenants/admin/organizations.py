"""Organizations: the list, a page for each with its timeline and its buttons, and the form that makes one."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from pulse.actors import from_request
from pulse.admin import actors, moments
from pulse.admin.filters import BoundedPaginator, DayRangeFilter
from pulse.admin.pages import Button, ReadOnlyAdmin
from pulse.models import AuditEvent
from tenants.admin import bulk, organization_forms, organization_pages, support_forms
from tenants.admin.lifecycle_forms import FORMS, STATE_VERBS, LifecycleView, offered
from tenants.models import Organization, OrganizationQuerySet, Status

STATUS_COLOURS: dict[str, str] = {
    Status.ACTIVE: "success",
    Status.SUSPENDED: "warning",
    Status.PENDING_DELETION: "danger",
    Status.PURGED: "default",
}
TIMELINE = 50
# Apps above put theirs here.
more_filters: list[type[DropdownFilter]] = []


class StatusFilter(DropdownFilter):
    """Tombstones are shown when asked for."""

    title = "status"
    parameter_name = "status"
    all_option = ["", "Living"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        named = [(value, str(label)) for value, label in Status.choices]
        return [*named, ("due", "Past retention"), ("all", "All, tombstones too")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Organization]) -> QuerySet[Organization]:
        match self.value():
            case "all":
                return queryset
            case "due":
                due = Organization.objects.due_for_purge(now=timezone.now())
                return queryset.filter(pk__in=due.values("pk"))
            case None | "":
                return queryset.exclude(status=Status.PURGED)
            case status:
                return queryset.filter(status=status)


class SyntheticFilter(DropdownFilter):
    """Those of drills are shown when asked for."""

    title = "made by"
    parameter_name = "synthetic"
    all_option = ["", "Customers"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("only", "Drills"), ("too", "Customers and drills")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Organization]) -> QuerySet[Organization]:
        if self.value() == "too":
            return queryset
        return queryset.filter(is_synthetic=self.value() == "only")


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    page_template = "tenants/admin/organization.html"
    paginator = BoundedPaginator
    list_display = ("called", "state", "owner", "since", "created")
    list_filter = (StatusFilter, SyntheticFilter, ("created_at", DayRangeFilter))
    export_fields = (
        "id", "display_name", "status", "status_changed_at", "suspended_at", "suspend_reason",
        "deletion_requested_at", "retention_days", "purge_after", "owner_email", "created_at",
    )  # fmt: skip
    search_fields = ("id", "display_name")
    search_help_text = "Id, name or an owner's e-mail address"
    ordering = ("id",)

    def get_list_filter(self, request: HttpRequest) -> Any:
        return (*self.list_filter, *more_filters)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        verbs = {verb: LifecycleView.as_view(model_admin=self, verb=verb) for verb in FORMS}
        of_one = verbs | {
            name: form.as_view(model_admin=self) for name, form in organization_forms.BY_NAME.items()
        }
        return [
            *(
                path(f"<str:object_id>/{name}/", view(form), name=f"tenants_organization_{name}")
                for name, form in of_one.items()
            ),
            *bulk.addresses(self),
            *organization_pages.addresses(self),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("tenants.provision_organization"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return organization_forms.Provision.as_view(model_admin=self)(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        return Organization.objects.with_owner().order_by("id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Organization], search_term: str
    ) -> tuple[QuerySet[Organization], bool]:
        return cast(OrganizationQuerySet, queryset).search(search_term.strip()), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return bulk.actions(request)

    def frame(self, request: HttpRequest, row: Any = None) -> dict[str, Any]:
        tabs = organization_pages.tabs(request, row) if row else ()
        return super().frame(request, row) | {"tabs": tabs}

    def row_buttons(self, request: HttpRequest, row: Organization) -> Sequence[Button]:
        if row.status == Status.PURGED:
            return ()
        actor = from_request(request, door="admin")
        others = [
            Button(form.submit, self.path_of(name, row.pk), form.icon)
            for name, form in organization_forms.BY_NAME.items()
            if actor.may(form.permission)
        ]
        looks = [
            Button(form.title, self.path_of(name, row.pk), "visibility")
            for name, form in support_forms.offered(row, actor=actor)
        ]
        verbs = [
            Button(FORMS[verb].title, self.path_of(verb, row.pk), FORMS[verb].icon, FORMS[verb].variant)
            for verb in offered(row, actor=actor)
        ]
        return [*others, *looks, *verbs]

    def page_context(self, request: HttpRequest, row: Organization) -> dict[str, Any]:
        events = AuditEvent.objects.filter(organization=row.id)
        since = events.filter(verb__in=STATE_VERBS).first()
        members = row.memberships.select_related("user").order_by("-is_owner", "user__email")
        may_read_audit = request.user.has_perm("pulse.view_auditevent")
        return {
            "title": row.display_name or row.id,
            "organization": row,
            "status_colour": STATUS_COLOURS[row.status],
            "since": actors.name_actors([since])[0] if since else None,
            "members": members[: TIMELINE + 1],
            "members_shown": TIMELINE,
            "members_count": members.count(),
            "tokens_count": row.tokens.filter(revoked_at=None).count(),
            "events": actors.name_actors(events[:TIMELINE]) if may_read_audit else None,
            "timeline": TIMELINE,
        }

    @display(description="Organization", ordering="id")
    def called(self, organization: Organization) -> SafeString | str:
        if organization.status == Status.PURGED:
            return format_html('<s>{}</s> <span class="pulse-subtle">tombstone</span>', organization.id)
        return format_html(
            '{}<br><span class="pulse-subtle">{}</span>',
            organization.display_name or organization.id,
            organization.id,
        )

    @display(description="Status", label=STATUS_COLOURS)
    def state(self, organization: Organization) -> tuple[str, str]:
        return organization.status, str(Status(organization.status).label)

    @display(description="Owner")
    def owner(self, organization: Organization) -> str:
        return getattr(organization, "owner_email", None) or moments.NOTHING

    @display(description="Since (UTC)", ordering="status_changed_at")
    def since(self, organization: Organization) -> SafeString | str:
        return moments.short(organization.status_changed_at)

    @display(description="Created (UTC)", ordering="created_at")
    def created(self, organization: Organization) -> SafeString | str:
        return moments.short(organization.created_at)

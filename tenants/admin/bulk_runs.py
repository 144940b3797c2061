"""Bulk runs: how far each is, what became of each organization, and cancelling."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from pulse.actors import from_request
from pulse.admin import moments
from pulse.admin.filters import BoundedPaginator, ExactFilter
from pulse.admin.forms import OptionalReasonForm
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from tenants import bulk
from tenants.admin.bulk import title_of
from tenants.models import BulkResult, BulkRun

VIEW = "tenants.view_organization"
State = BulkResult.State
COLOURS: dict[str, str] = {
    State.DONE: "success",
    State.WAITING: "info",
    State.REFUSED: "warning",
    State.FAILED: "danger",
    State.CANCELED: "default",
}
# Those that an operator has to look at, on the run's own page.
SHOWN = 20


class Cancel(VerbView):
    permission = VIEW
    submit = "Cancel the run"
    danger = True
    form_class = OptionalReasonForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=f"Cancel {self.subject}", **kwargs)

    def refusal(self) -> str:
        return "The run is over already." if self.subject.finished_at else ""

    def consequences(self) -> Sequence[str]:
        waiting = bulk.counts(self.subject).get(State.WAITING, 0)
        return (f"{waiting:,} organizations that wait are left as they are.", "What is done stays done.")

    def carry_out(self, *, reason: str) -> BulkRun:
        return bulk.cancel(self.subject.pk, actor=self.actor, reason=reason)

    def finish(self, result: BulkRun) -> HttpResponse:
        return self.leave(self.back(), f"Run {result} is cancelled.")


class OfTenants(ReadOnlyAdmin):
    """Who may read organizations may read it."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(VIEW))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(BulkRun)
class BulkRunAdmin(OfTenants):
    page_template = "tenants/admin/bulk_run.html"
    paginator = BoundedPaginator
    list_display = ("what", "state", "who", "began", "ended", "reason")
    list_select_related = ("operator",)
    export_fields = (
        "id",
        "operation",
        "parameters",
        "reason",
        "operator__email",
        "created_at",
        "finished_at",
    )
    ordering = ("-created_at",)

    def get_urls(self) -> list[URLPattern]:
        cancel = self.admin_site.admin_view(Cancel.as_view(model_admin=self))
        return [path("<int:object_id>/cancel/", cancel, name="tenants_bulkrun_cancel"), *super().get_urls()]

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> TemplateResponse:
        response = super().change_view(request, *args, **kwargs)
        run: Any = response.context_data and response.context_data.get("run")
        if run and run.finished_at and request.headers.get("HX-Request"):
            response["HX-Refresh"] = "true"  # What is asked every two seconds is over, and its buttons too.
        return response

    def row_buttons(self, request: HttpRequest, row: BulkRun) -> Sequence[Button]:
        may = from_request(request, door="admin").may(bulk.find(row.operation).permission)
        if row.finished_at or not may:
            return ()
        return (Button("Cancel", self.path_of("cancel", row.pk), "cancel", ActionVariant.DANGER),)

    def page_context(self, request: HttpRequest, row: BulkRun) -> dict[str, Any]:
        counted = bulk.counts(row)
        total = sum(counted.values())
        results = reverse("admin:tenants_bulkresult_changelist")
        looked_at = row.results.filter(state__in=(State.FAILED, State.REFUSED)).order_by("state", "pk")
        return {
            "title": f"{title_of(row.operation)}: {total:,} organizations",
            "run": row,
            "state": self.state(row),
            "total": total,
            "over": total - counted.get(State.WAITING, 0),
            "counts": [
                (State(state).label, f"{counted[state]:,}", f"{results}?run={row.pk}&state__exact={state}")
                for state in COLOURS
                if state in counted
            ],
            "results": f"{results}?run={row.pk}",
            "not_done": [(one, COLOURS[one.state]) for one in looked_at[:SHOWN]],
        }

    @display(description="Run", ordering="pk")
    def what(self, run: BulkRun) -> str:
        return f"#{run.pk} {title_of(run.operation)}"

    @display(description="State", label={"running": "info", "finished": "success", "cancelled": "warning"})
    def state(self, run: BulkRun) -> str:
        if run.canceled_at:
            return "cancelled"
        return "finished" if run.finished_at else "running"

    @display(description="By")
    def who(self, run: BulkRun) -> str:
        return run.wanted_by

    @display(description="Began (UTC)", ordering="created_at")
    def began(self, run: BulkRun) -> SafeString | str:
        return moments.short(run.created_at)

    @display(description="Ended (UTC)", ordering="finished_at")
    def ended(self, run: BulkRun) -> SafeString | str:
        return moments.short(run.finished_at)


class RunFilter(ExactFilter):
    title = "run"
    parameter_name = "run"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = (self.value() or "").strip()
        return super().queryset(request, queryset) if wanted.isdecimal() and len(wanted) < 19 else queryset


@admin.register(BulkResult)
class BulkResultAdmin(OfTenants):
    paginator = BoundedPaginator
    list_display = ("whose", "became", "detail", "when", "of")
    list_filter = (RunFilter, ("state", ChoicesDropdownFilter))
    search_fields = ("organization__exact",)
    search_help_text = "An organization's id"
    export_fields = ("run", "organization", "state", "detail", "at")
    ordering = ("pk",)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        result = self.get_object(request, object_id)
        whose = result.organization if result else "-"
        return HttpResponseRedirect(reverse("admin:tenants_organization_change", args=(whose,)))

    @display(description="Organization")
    def whose(self, result: BulkResult) -> str:
        return result.organization

    @display(description="Result", label=COLOURS)
    def became(self, result: BulkResult) -> tuple[str, str]:
        return result.state, str(State(result.state).label)

    @display(description="When (UTC)")
    def when(self, result: BulkResult) -> SafeString | str:
        return moments.short(result.at)

    @display(description="Run")
    def of(self, result: BulkResult) -> SafeString:
        page = reverse("admin:tenants_bulkrun_change", args=(result.run_id,))
        return format_html('<a class="pulse-link" href="{}">#{}</a>', page, result.run_id)

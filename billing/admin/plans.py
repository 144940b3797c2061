"""Plans: what each version holds and who has it, and the form that publishes the next one."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display
from unfold.enums import ActionVariant

from billing import plans
from billing.admin import layers
from billing.admin.counted import CUSTOMERS
from billing.admin.fields import NewPlanForm, PlanForm
from billing.models import Plan, PlanVersion
from pulse import versions
from pulse.admin.filters import BoundedCount, BoundedPaginator, bounded
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from pulse.admin.seen import SeenView
from pulse.models import AuditEvent

CHANGE = "billing.change_plan"


class PlanView(VerbView):
    permission = CHANGE
    fields_of = VerbView.fields_of | {"invalid_plan": "id"}

    def form_valid(self, form: Any) -> Any:
        kept = {name: form.cleaned_data[name] for name in (*form.first, "seen")}
        form.cleaned_data = kept | {"holds": form.holds()}
        return super().form_valid(form)

    def finish(self, result: PlanVersion) -> HttpResponse:
        page = self.model_admin.path_of("change", result.plan_id)
        return self.leave(page, f"{result} is published.")


class Publish(PlanView, SeenView):
    """A version is never edited: whoever subscribed to it keeps it."""

    submit = "Publish"
    form_class = PlanForm

    def present(self) -> dict[str, Any] | None:
        return plans.present(self.subject.id)

    def history(self) -> QuerySet[AuditEvent]:
        published = AuditEvent.objects.filter(verb="plan.publish")
        return published.filter(after__plan__startswith=f"{self.subject.id} v")

    def initial_of(self, present: dict[str, Any]) -> dict[str, Any]:
        limits = {f"limit_{name}": value for name, value in present["limits"].items()}
        return present | limits | {"price_ids": " ".join(present["price_ids"])}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        title = f"Publish a new version of {self.subject.name}"
        return super().get_context_data(**{"title": title, **kwargs})

    def consequences(self) -> Sequence[str]:
        return (
            "New subscribers get it. Those of earlier versions keep theirs until they are moved.",
            "It cannot be changed afterwards, only followed by another.",
        )

    def carry_out(self, *, holds: dict[str, Any], seen: str) -> PlanVersion:
        return plans.publish(self.subject.id, **holds, actor=self.actor, seen=[seen])


class AddPlan(PlanView):
    title = "Add plan"
    submit = "Publish"
    form_class = NewPlanForm

    def carry_out(self, *, id: str, name: str, holds: dict[str, Any], seen: str) -> PlanVersion:  # noqa: A002
        # The version of a plan that is not there: one that is there is not published anew by mistake.
        unseen = versions.version(None)
        return plans.publish(id, name=name, **holds, actor=self.actor, seen=[unseen])


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    page_template = "billing/admin/plan.html"
    paginator = BoundedPaginator
    list_display = ("name", "id", "newest", "offered", "subscribers")
    export_fields = ("id", "name", "is_offered", "newest_number", "subscriptions")
    ordering = ("id",)

    def get_urls(self) -> list[URLPattern]:
        publish = self.admin_site.admin_view(Publish.as_view(model_admin=self))
        return [path("<str:object_id>/publish/", publish, name="billing_plan_publish"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(CHANGE))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return AddPlan.as_view(model_admin=self)(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        newest = PlanVersion.objects.filter(plan=OuterRef("pk")).order_by("-number")
        return Plan.objects.annotate(
            newest_number=Subquery(newest.values("number")[:1]),
            subscriptions=BoundedCount(CUSTOMERS.filter(plan_version__plan=OuterRef("pk"))),
        )

    def row_buttons(self, request: HttpRequest, row: Plan) -> Sequence[Button]:
        if not request.user.has_perm(CHANGE):
            return ()
        publish = self.path_of("publish", row.pk)
        return (Button("Publish a new version", publish, "publish", ActionVariant.PRIMARY, dialog=False),)

    def page_context(self, request: HttpRequest, row: Plan) -> dict[str, Any]:
        customers = BoundedCount(CUSTOMERS.filter(plan_version=OuterRef("pk")))
        found = row.versions.annotate(subscribers=customers).order_by("-number")
        return {
            "title": row.name,
            "plan": row,
            "versions": [(version, layers.of_plan(version)) for version in found],
        }

    @display(description="Newest version", ordering="newest_number")
    def newest(self, plan: Plan) -> str:
        number = getattr(plan, "newest_number", None)
        return f"v{number}" if number else "none"

    @display(description="Offered", boolean=True, ordering="is_offered")
    def offered(self, plan: Plan) -> bool:
        return plan.is_offered

    @display(description="Subscribers")
    def subscribers(self, plan: Plan) -> str:
        return bounded(getattr(plan, "subscriptions", 0))

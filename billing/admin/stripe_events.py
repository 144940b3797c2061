"""Stripe's events: what came, what became of it, and another try for what was put aside."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from billing import errors, stripe_events
from billing.models import StripeEvent
from billing.overrides import PERMISSION
from pulse.admin import moments
from pulse.admin.filters import BoundedPaginator, ExactFilter, UsedValuesFilter
from pulse.admin.forms import ReasonForm
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView

Status = StripeEvent.Status

COLOURS: dict[str, str] = {
    Status.WAITING: "info",
    Status.APPLIED: "success",
    Status.OUTDATED: "default",
    Status.IRRELEVANT: "default",
    Status.UNKNOWN_CUSTOMER: "warning",
    Status.PARKED: "danger",
}


class Retry(VerbView):
    permission = PERMISSION
    submit = "Try again"
    form_class = ReasonForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=f"Try {self.subject.id} again", **kwargs)

    def refusal(self) -> str:
        return "" if self.subject.status in stripe_events.NEED_A_PERSON else errors.NothingToRetry.detail

    def consequences(self) -> Sequence[str]:
        return ("The job processes it anew within a minute. An event that is applied has its effect once.",)

    def carry_out(self, *, reason: str) -> StripeEvent:
        return stripe_events.retry(self.subject.id, actor=self.actor, reason=reason)

    def finish(self, result: StripeEvent) -> HttpResponse:
        return self.leave(self.back(), f"{result.id} waits to be processed.")


class TypeFilter(UsedValuesFilter):
    title = "type"
    parameter_name = "type"


class OrganizationFilter(ExactFilter):
    title = "organization"
    parameter_name = "organization"


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    page_template = "billing/admin/stripe_event.html"
    paginator = BoundedPaginator
    list_display = ("number", "kind", "became", "whose", "happened", "received", "attempts")
    list_filter = (("status", ChoicesDropdownFilter), TypeFilter, OrganizationFilter)
    search_fields = ("id__exact", "customer__exact")
    search_help_text = "An event's id, or a customer's"
    export_fields = (
        "id", "type", "status", "organization", "customer", "created", "received_at", "attempts",
        "error", "settled_at",
    )  # fmt: skip
    ordering = ("-received_at",)

    def get_urls(self) -> list[URLPattern]:
        retry = self.admin_site.admin_view(Retry.as_view(model_admin=self))
        return [path("<str:object_id>/retry/", retry, name="billing_stripeevent_retry"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        """Without the payloads, which only an event's own page reads."""
        return StripeEvent.objects.defer("payload")

    def row_buttons(self, request: HttpRequest, row: StripeEvent) -> Sequence[Button]:
        if row.status not in stripe_events.NEED_A_PERSON or not request.user.has_perm(PERMISSION):
            return ()
        return (Button("Try again", self.path_of("retry", row.pk), "replay", ActionVariant.PRIMARY),)

    def page_context(self, request: HttpRequest, row: StripeEvent) -> dict[str, Any]:
        return {
            "event": row,
            "colour": COLOURS[row.status],
            "payload": json.dumps(row.payload, indent=2, ensure_ascii=False, sort_keys=True),
        }

    @display(description="Event", ordering="id")
    def number(self, event: StripeEvent) -> SafeString:
        return format_html("<code>{}</code>", event.id)

    @display(description="Type")
    def kind(self, event: StripeEvent) -> str:
        return event.type

    @display(description="Status", label=COLOURS)
    def became(self, event: StripeEvent) -> tuple[str, str]:
        return event.status, str(Status(event.status).label)

    @display(description="Organization")
    def whose(self, event: StripeEvent) -> str:
        return event.organization_id or event.customer or moments.NOTHING

    @display(description="Happened (UTC)")
    def happened(self, event: StripeEvent) -> SafeString | str:
        return moments.short(event.created)

    @display(description="Received (UTC)", ordering="received_at")
    def received(self, event: StripeEvent) -> SafeString | str:
        return moments.short(event.received_at)

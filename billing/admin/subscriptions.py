"""All subscriptions, by what is written in them and by what they come to; their page is the billing tab."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from billing import entitlements
from billing.admin.counted import EndingFilter, StateFilter
from billing.admin.layers import STATE_COLOURS
from billing.entitlements import Layers
from billing.models import Override, Subscription
from pulse.admin import moments
from pulse.admin.filters import BoundedPaginator
from pulse.admin.pages import ReadOnlyAdmin


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    paginator = BoundedPaginator
    list_display = ("whose", "in_effect", "written", "plan", "source", "trial_ends", "period_ends")
    list_filter = (StateFilter, ("source", ChoicesDropdownFilter), EndingFilter)
    search_fields = ("organization_id__exact", "stripe_customer__exact", "stripe_subscription__exact")
    search_help_text = "An organization's id, or Stripe's of a customer or subscription"
    export_fields = (
        "organization", "state", "plan_version__plan", "plan_version__number", "trial_ends_at",
        "period_ends_at", "grace_ends_at", "cancel_at_period_end", "source", "stripe_customer",
        "stripe_subscription",
    )  # fmt: skip
    ordering = ("organization_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        standing = Override.objects.standing().select_related("plan_version")
        customers = Subscription.objects.filter(organization__is_synthetic=False)
        return customers.select_related("plan_version").prefetch_related(
            Prefetch("organization__overrides", standing)
        )

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        return HttpResponseRedirect(reverse("admin:tenants_organization_billing", args=(object_id,)))

    @display(description="Organization", ordering="organization_id")
    def whose(self, subscription: Subscription) -> str:
        return subscription.organization_id

    @display(description="Comes to", label=STATE_COLOURS)
    def in_effect(self, subscription: Subscription) -> str:
        overrides = tuple(subscription.organization.overrides.all())
        return entitlements.effective(Layers(subscription, overrides), at=timezone.now()).state

    @display(description="Subscription says")
    def written(self, subscription: Subscription) -> str:
        return subscription.state

    @display(description="Plan")
    def plan(self, subscription: Subscription) -> str:
        return str(subscription.plan_version or moments.NOTHING)

    @display(description="Trial ends (UTC)", ordering="trial_ends_at")
    def trial_ends(self, subscription: Subscription) -> SafeString | str:
        return moments.short(subscription.trial_ends_at)

    @display(description="Period ends (UTC)", ordering="period_ends_at")
    def period_ends(self, subscription: Subscription) -> SafeString | str:
        return moments.short(subscription.period_ends_at)

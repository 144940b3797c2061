"""The forms that change an organization's billing; each asks why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone

from billing import entitlements, errors, overrides, subscriptions
from billing.admin.fields import OverrideForm, PlanField, StateField
from billing.catalogue import GRACE_DAYS, TRIAL_DAYS
from billing.changing import describe
from billing.models import Override, Source, State, Subscription
from billing.overrides import PERMISSION
from pulse.admin.forms import InstantField, ReasonForm
from pulse.admin.seen import SeenForm, SeenView
from pulse.models import AuditEvent
from tenants.admin.organization_pages import OrganizationVerb

AT_ONCE = "It is in force at the next request in every process."
LAYERED = "The layers below stay as they are: when it is revoked or over, they are back."


class BillingForm(OrganizationVerb):
    permission = PERMISSION
    page = "billing"
    fields_of = OrganizationVerb.fields_of | {
        "reason_required": "reason",
        "invalid_subscription_state": "state",
        "unknown_plan": "plan",
    }

    def consequences(self) -> Sequence[str]:
        return (AT_ONCE, LAYERED)

    def finish(self, result: Override) -> HttpResponse:
        revoke = ("Undo: revoke it", self.path_of("revoke_override", result.pk))
        return self.leave(self.back(), f"{self.subject.id} has {result}.", undo=revoke)


class SeenBilling(BillingForm, SeenView):
    """With the version of the effective state that was read."""

    def present(self) -> dict[str, Any]:
        return describe(entitlements.for_organization(self.subject.id))

    def history(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(organization=self.subject.id, verb__startswith="billing.")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = self.present() if self.is_stale else None
        return super().get_context_data(now=now, **kwargs)


class LayOverride(SeenBilling):
    needs_recent_authentication = True
    title = "Lay an override"
    submit = "Override"
    form_class = OverrideForm
    template_name = "billing/admin/override.html"
    fields_of = BillingForm.fields_of | {"invalid_period": "valid_until"}

    def get_form_kwargs(self) -> dict[str, Any]:
        effective = entitlements.for_organization(self.subject.id)
        return super().get_form_kwargs() | {"effective": effective}

    def form_valid(self, form: Any) -> Any:
        reason, seen = form.cleaned_data["reason"], form.cleaned_data["seen"]
        form.cleaned_data = {"wanted": form.wanted(), "reason": reason, "seen": seen}
        return super().form_valid(form)

    def carry_out(self, *, wanted: overrides.Wanted, reason: str, seen: str) -> Override:
        return overrides.add(self.subject.id, wanted, actor=self.actor, reason=reason, seen=[seen])


class UntilForm(ReasonForm):
    until = InstantField(label="Until (UTC)")
    field_order = ("until", "reason")


class UntilView(BillingForm):
    needs_recent_authentication = True
    form_class = UntilForm
    fields_of = BillingForm.fields_of | {"invalid_period": "until"}
    days = 0

    def get_initial(self) -> dict[str, Any]:
        return {"until": max(timezone.now(), self.begins() or timezone.now()) + timedelta(days=self.days)}

    def begins(self) -> datetime | None:
        return None


class ExtendTrial(UntilView):
    title = "Extend the trial"
    submit = "Extend trial"
    days = TRIAL_DAYS

    def begins(self) -> datetime | None:
        return entitlements.for_organization(self.subject.id).trial_ends_at

    def carry_out(self, *, until: datetime, reason: str) -> Override:
        return overrides.extend_trial(self.subject.id, until=until, actor=self.actor, reason=reason)


class GrantGrace(UntilView):
    title = "Grant grace"
    submit = "Grant grace"
    days = GRACE_DAYS

    def consequences(self) -> Sequence[str]:
        return ("It may use the service until then, though it has not paid.", AT_ONCE, LAYERED)

    def carry_out(self, *, until: datetime, reason: str) -> Override:
        return overrides.grant_grace(self.subject.id, until=until, actor=self.actor, reason=reason)


class MovePlanForm(ReasonForm):
    plan = PlanField()
    field_order = ("plan", "reason")


class MovePlan(BillingForm):
    needs_recent_authentication = True
    title = "Move to another plan"
    submit = "Move plan"
    form_class = MovePlanForm

    def get_initial(self) -> dict[str, Any]:
        return {"plan": entitlements.for_organization(self.subject.id).plan_version}

    def consequences(self) -> Sequence[str]:
        return ("It has what the plan holds, whatever it pays for.", AT_ONCE, LAYERED)

    def carry_out(self, *, plan: str, reason: str) -> Override:
        return overrides.move_plan(self.subject.id, plan=plan, actor=self.actor, reason=reason)


class Revoke(BillingForm):
    needs_recent_authentication = True
    submit = "Revoke"
    danger = True
    form_class = ReasonForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=f"Revoke override #{self.kwargs['number']}", **kwargs)

    def refusal(self) -> str:
        found = Override.objects.filter(organization=self.subject, pk=self.kwargs["number"]).first()
        if found is None:
            raise errors.OverrideNotFound
        return errors.AlreadyRevoked.detail if found.revoked_at else ""

    def consequences(self) -> Sequence[str]:
        return ("What the layers below it say is back.", AT_ONCE)

    def carry_out(self, *, reason: str) -> Override:
        return overrides.revoke(
            self.kwargs["number"], actor=self.actor, reason=reason, organization_id=self.subject.id
        )

    def finish(self, result: Override) -> HttpResponse:
        return self.leave(self.back(), f"{str(result).capitalize()} is revoked.")


class SubscriptionForm(SeenForm, ReasonForm):
    state = StateField()
    plan = PlanField(unchanged="as it is")
    trial_ends_at = InstantField(
        label="Trial ends (UTC)", required=False, help_text="A trial without an end is over."
    )
    grace_ends_at = InstantField(label="Grace ends (UTC)", required=False)
    field_order = ("state", "plan", "trial_ends_at", "grace_ends_at", "reason")


class SetSubscription(SeenBilling):
    """The layer that overrides lie over, where an operator and not Stripe writes it."""

    needs_recent_authentication = True
    title = "Set the subscription"
    submit = "Set"
    form_class = SubscriptionForm

    def refusal(self) -> str:
        subscription = self._subscription()
        is_stripes = subscription is not None and subscription.source == Source.STRIPE
        return errors.ManagedByStripe.detail if is_stripes else ""

    def consequences(self) -> Sequence[str]:
        return (AT_ONCE, "Overrides that are in force lie over it still.")

    def initial_of(self, present: dict[str, Any]) -> dict[str, Any]:
        subscription = self._subscription()
        if subscription is None:
            return {"state": State.TRIAL}
        names = ("state", "trial_ends_at", "grace_ends_at")
        return {name: getattr(subscription, name) for name in names}

    def carry_out(self, *, seen: str, **wanted: Any) -> Subscription:
        return subscriptions.set_state(self.subject.id, **wanted, actor=self.actor, seen=[seen])

    def finish(self, result: Any) -> HttpResponse:
        return self.leave(self.back(), f"The subscription of {self.subject.id} is set to {result.state}.")

    def _subscription(self) -> Subscription | None:
        return Subscription.objects.filter(organization=self.subject).first()

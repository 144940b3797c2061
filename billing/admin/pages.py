"""The billing of one organization: what it may do, why, what was changed, and the buttons."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from unfold.enums import ActionVariant

from billing import entitlements
from billing.admin import layers
from billing.models import Source
from billing.overrides import PERMISSION
from pulse.admin import actors
from pulse.admin.pages import Button
from pulse.models import AuditEvent
from tenants.admin.organization_pages import OrganizationPage

HISTORY = 30
BUTTONS = (
    # A page of its own, because it has a field for everything that can be had.
    ("Override", "override", "layers", ActionVariant.PRIMARY, False),
    ("Extend trial", "extend_trial", "event_upcoming", ActionVariant.DEFAULT, True),
    ("Move plan", "move_plan", "swap_horiz", ActionVariant.DEFAULT, True),
    ("Grant grace", "grant_grace", "volunteer_activism", ActionVariant.DEFAULT, True),
)
MANUAL = ("Set subscription", "set_subscription", "edit_note", ActionVariant.DEFAULT, True)


class Billing(OrganizationPage):
    title = "Billing"
    permission = "billing.view_subscription"
    template_name = "billing/admin/billing.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = entitlements.layers_of(self.subject.id)
        self.layers = found
        now = timezone.now()
        effective = entitlements.effective(found, at=now)
        names = layers.authors(found)
        plan = layers.plan_below(found, effective)
        return super().get_context_data(
            effective=effective,
            parts=layers.parts(effective, names),
            why=layers.readable(effective.origin["subscription_state"], names),
            colour=layers.STATE_COLOURS[effective.state],
            standing=layers.standing(found, at=now, names=names),
            subscription=found.subscription,
            subscribed=layers.of_subscription(found.subscription) if found.subscription else (),
            plan=plan,
            planned=layers.of_plan(plan) if plan else (),
            may_change=self.actor.may(PERMISSION),
            events=self._events(),
            **kwargs,
        )

    def buttons(self) -> Sequence[Button]:
        if not self.actor.may(PERMISSION):
            return ()
        subscription = self.layers.subscription
        is_stripes = subscription is not None and subscription.source == Source.STRIPE
        offered = BUTTONS if is_stripes else (*BUTTONS, MANUAL)
        return [
            Button(title, self.path_of(name), icon, variant, dialog)
            for title, name, icon, variant, dialog in offered
        ]

    def _events(self) -> Sequence[AuditEvent] | None:
        """The last changes; None for who may not read the audit log."""
        if not self.actor.may("pulse.view_auditevent"):
            return None
        events = AuditEvent.objects.filter(organization=self.subject.id, verb__startswith="billing.")
        return actors.name_actors(events[:HISTORY])

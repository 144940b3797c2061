"""The subscription, its overrides and Stripe's events as a tenant resource."""

from pathlib import Path
from typing import Any

from django.db.models import Model, QuerySet

from billing import entitlements, stripe_events, subscriptions, timeline
from billing.models import Override, StripeEvent, StripeSubscription, Subscription
from tenants.exports import write_lines
from tenants.models import Organization, User

TABLES: dict[str, type[Model]] = {
    "subscription": Subscription,
    "overrides": Override,
    "stripe_subscriptions": StripeSubscription,
    "stripe_events": StripeEvent,
}


class Billing:
    name = "billing"

    def provision(self, organization: Organization, *, owner: User | None) -> None:
        subscriptions.start_trial(organization)

    def undo(self, organization_id: str) -> None:
        """The rows went with their transaction."""

    def missing(self, organization: Organization) -> bool:
        return not organization.is_default and not hasattr(organization, "subscription")

    def verify(self, organization: Organization) -> list[str]:
        """There is a subscription, and the gate reads what the rows say."""
        if organization.is_default:
            return []
        if self.missing(organization):
            return ["there is no subscription"]
        read_by_the_gate = Organization.objects.values_list("entitlement_timeline", flat=True)
        if read_by_the_gate.get(pk=organization.pk) != timeline.render(
            entitlements.layers_of(organization.id)
        ):
            return ["the gate's timeline does not match the subscription and its overrides"]
        return []

    def export(self, organization: Organization, into: Path) -> None:
        """Each of billing's tables, a row each line."""
        for name, rows in _rows(organization.id).items():
            write_lines(into / f"{name}.jsonl", rows.order_by("pk").values().iterator())

    def before_purge(self, organization: Organization) -> None:
        """Nothing in billing keeps an organization."""

    def purge(self, organization: Organization) -> None:
        for rows in _rows(organization.id).values():
            rows.delete()

    def orphans(self) -> list[str]:
        """Billing holds nothing outside the database."""
        return []

    def clear(self, orphan: str) -> None:
        """There are no orphans to clear."""


def _rows(organization_id: str) -> dict[str, QuerySet[Any]]:
    """The organization's rows of each table."""
    rows = {
        name: model._default_manager.filter(organization=organization_id) for name, model in TABLES.items()
    }
    return rows | {"stripe_events": stripe_events.about(organization_id)}

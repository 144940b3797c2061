"""The subscription as a tenant resource."""

from pathlib import Path

from billing import subscriptions
from billing.models import Subscription
from tenants.exports import write_lines
from tenants.models import Organization, User


class SubscriptionRow:
    name = "billing"

    def provision(self, organization: Organization, *, owner: User | None) -> None:
        subscriptions.start_trial(organization)

    def undo(self, organization_id: str) -> None:
        """The row went with its transaction."""

    def missing(self, organization: Organization) -> bool:
        return not organization.is_default and not hasattr(organization, "subscription")

    def verify(self, organization: Organization) -> list[str]:
        return ["there is no subscription"] if self.missing(organization) else []

    def export(self, organization: Organization, into: Path) -> None:
        """`subscription.jsonl`: the state and the trial's end."""
        if hasattr(organization, "subscription"):
            write_lines(into / "subscription.jsonl", [subscriptions.snapshot(organization.subscription)])

    def before_purge(self, organization: Organization) -> None:
        """Nothing in billing keeps an organization."""

    def purge(self, organization: Organization) -> None:
        Subscription.objects.filter(organization=organization).delete()

    def orphans(self) -> list[str]:
        """Billing holds nothing outside the database."""
        return []

    def clear(self, orphan: str) -> None:
        """There are no orphans to clear."""

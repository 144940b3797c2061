"""What organizations have paid for, as a Django app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        from billing import bulk_operations, checks, entitlements, metrics  # noqa: F401
        from billing.tenant_resource import Billing
        from tenants import members, resources

        members.seats_of = entitlements.seats_of
        resources.register(Billing())
        bulk_operations.register()

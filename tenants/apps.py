"""Organizations and people as a Django app."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        from pulse import first_run, health
        from pulse.actors import from_job
        from tenants import bulk_operations, checks, gate, metrics, provisioning  # noqa: F401
        from tenants.accounts import history  # noqa: F401

        bulk_operations.register()
        health.may_scrape = lambda request: gate.holds_scope(request, "metrics")
        first_run.preparations.append(lambda: provisioning.reconcile(actor=from_job("start")))

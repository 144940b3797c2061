"""Each organization's own RBAC database, as a Django app."""

from django.apps import AppConfig


class RbacConfig(AppConfig):
    name = "rbac"
    verbose_name = "Access within organizations"

    def ready(self) -> None:
        from rbac import access, checks, databases, metrics  # noqa: F401
        from rbac.tenant_resource import RbacDatabase
        from tenants import resources
        from tenants.api import access as step

        databases.install()
        step.require = access.require
        resources.register(RbacDatabase())

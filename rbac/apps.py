"""Each organization's own RBAC database, as a Django app."""

from django.apps import AppConfig


class RbacConfig(AppConfig):
    name = "rbac"
    verbose_name = "Access within organizations"

    def ready(self) -> None:
        from rbac import access, bulk_operations, checks, databases, metrics  # noqa: F401
        from rbac.role_book import Book
        from rbac.tenant_resource import RbacDatabase
        from tenants import resources, roles
        from tenants.api import access as step

        databases.install()
        step.require = access.require
        roles.install(Book())
        resources.register(RbacDatabase())
        bulk_operations.register()

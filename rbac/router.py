"""Sends the app `rbac` to the current organization's database, and everything else away from it."""

from typing import Any

from django.db.models import Model

from rbac import databases, metrics
from tenants import context

APP = "rbac"


class OtherOrganization(RuntimeError):
    """An object of one organization was used while another is current. A defect of the caller."""


class TenantRouter:
    """Without a current organization it raises `NoOrganization`; it never falls through.

    An object of another organization than the current one raises `OtherOrganization`.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return self._alias(model, hints)

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return self._alias(model, hints)

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool | None:
        """Only within one tenant's database; a row that is not saved yet has no place so far."""
        apps = {first._meta.app_label, second._meta.app_label}
        if APP not in apps:
            return None
        places = {first._state.db, second._state.db} - {None}
        return apps == {APP} and len(places) <= 1

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label == APP) == db.startswith(databases.ALIAS_PREFIX)

    def _alias(self, model: type[Model], hints: dict[str, Any]) -> str | None:
        if model._meta.app_label != APP:
            return None
        organization_id = self._current()
        alias = databases.alias_of(organization_id)
        instance = hints.get("instance")
        if instance is not None and instance._state.db not in (None, alias):
            metrics.isolation_refusals.labels(kind="other_organization").inc()
            raise OtherOrganization(f"{instance._meta.label} is of {instance._state.db}, current is {alias}")
        databases.open_database(organization_id)
        return alias

    def _current(self) -> str:
        try:
            return context.current()
        except context.NoOrganization:
            metrics.isolation_refusals.labels(kind="no_organization").inc()
            raise

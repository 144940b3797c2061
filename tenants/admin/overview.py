"""The admin's first page: the gate, the organizations by state, and what happened last."""

from typing import Any

from django.db.models import Count
from django.http import HttpRequest

from pulse import hosted_mode
from pulse.admin import actors
from pulse.models import AuditEvent
from tenants.models import Organization, Status

RECENT = 10


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """django-unfold's `DASHBOARD_CALLBACK`; each part for those who may read it, by an index."""
    may = request.user.has_perm
    context["title"] = "Overview"
    if may("pulse.view_killswitch"):
        context["state"] = hosted_mode.state()
    if may("tenants.view_organization"):
        context["counts"] = _counts()
    if may("pulse.view_auditevent"):
        context["events"] = actors.name_actors(AuditEvent.objects.all()[:RECENT])
    return context


def _counts() -> list[tuple[str, str, int]]:
    """The value, the words and the number of each status."""
    grouped = Organization.objects.customers().order_by().values_list("status").annotate(Count("pk"))
    counted = dict(grouped)
    return [(status.value, str(status.label), counted.get(status.value, 0)) for status in Status]

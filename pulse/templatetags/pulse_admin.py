"""Template tags of the operators' pages."""

from datetime import datetime
from typing import Any

from django import template
from django.db import DatabaseError
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pulse import frozen
from pulse.admin import actors, moments
from pulse.admin.changes import Change, changes_of
from pulse.models import AuditEvent, Freeze

register = template.Library()


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """An instant, in UTC, with how long ago or how soon it is."""
    return moments.long(value)


@register.filter
def short_moment(value: datetime | None) -> SafeString | str:
    return moments.short(value)


@register.filter
def changes(event: AuditEvent) -> list[Change]:
    return changes_of(event)


@register.filter
def shown(value: Any) -> str:
    """A JSON value as an operator reads it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return _instant(value) or str(value)


def _instant(value: Any) -> str:
    """An RFC 3339 text as `3 Mar 2025, 14:02 UTC`; nothing for any other."""
    if not isinstance(value, str) or not value.endswith(("+00:00", "Z")) or value[4:5] != "-":
        return ""
    try:
        parsed = parse_datetime(value)
    except ValueError:
        return ""
    return moments.plain(parsed) if parsed else ""


@register.simple_tag
def freeze_in_force() -> Freeze | None:
    """The freeze of operators' writes, with the name of who made it; None while they may write."""
    try:
        freeze = frozen.in_force()
    except DatabaseError:
        return None
    if freeze is not None:
        named = actors.names_of([freeze.changed_by])
        freeze.author = named.get(freeze.changed_by, freeze.changed_by)  # type: ignore[attr-defined]
    return freeze


@register.simple_tag
def organization_link(organization_id: str) -> SafeString:
    path = reverse("admin:tenants_organization_change", args=(organization_id,))
    return format_html('<a class="pulse-link" href="{}">{}</a>', path, organization_id)

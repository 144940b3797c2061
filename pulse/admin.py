"""The operators' pages of the ground floor."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from pulse import hosted_mode
from pulse.models import AuditEvent


def gate_badge(request: HttpRequest) -> list[str]:
    """The gate's state for the header of every page: its words and their colour."""
    return ["gate open", "success"] if hosted_mode.state().open else ["gate shut", "danger"]


@admin.register(AuditEvent)
class AuditEventAdmin(ModelAdmin):
    list_display = ("sequence", "at", "verb", "organization", "actor", "door", "reason")
    list_filter = ("verb", "door")
    search_fields = ("=organization", "=actor", "=request_id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

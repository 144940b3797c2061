"""The operators' pages for organizations and people."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from tenants.models import Organization


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    list_display = ("id", "display_name", "status", "status_changed_at")
    list_filter = ("status",)
    search_fields = ("id", "display_name")

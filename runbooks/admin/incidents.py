"""Incidents: the list, open ones first, and the page of each, on which one works."""

from django.contrib import admin

from pulse.admin.pages import ReadOnlyAdmin
from runbooks.models import Incident


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    page_template = "runbooks/admin/incident.html"
    list_display = ("name", "title", "severity")

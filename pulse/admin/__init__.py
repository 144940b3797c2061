"""The operators' pages of the ground floor: the audit log, hosted mode, schedules and jobs.

A page never edits a model: it asks what a verb needs (`pulse.admin.pages`) and calls it.
"""

# Registers the page for groups, which is taken away here.
import django.contrib.auth.admin  # noqa: F401
from django.contrib import admin
from django.contrib.auth.models import Group

from pulse.admin import audit_log, freeze_page, home, hosted_mode_page, jobs, palette
from pulse.admin.hosted_mode_page import gate_badge

__all__ = ("audit_log", "freeze_page", "gate_badge", "home", "hosted_mode_page", "jobs", "palette")

# Rows are never deleted in bulk, and operators' groups come by migration.
admin.site.disable_action("delete_selected")
admin.site.unregister(Group)

"""The operators' pages of an organization's access and its database, as tabs of the organization's page."""

from rbac.admin import (
    access_pages,
    bulk,
    database_forms,
    database_pages,
    exporting,
    home,
    people_pages,
    role_forms,
    usage,
)
from tenants.admin.organization_pages import Page, register

__all__ = ("bulk", "home", "usage")

register(
    Page("access", "access/", access_pages.Roles, tab="Access"),
    Page("role", "access/role/<str:role_id>/", access_pages.RoleDetail),
    Page("add_role", "access/add_role/", role_forms.AddRole, action="Add role"),
    Page("change_role", "access/role/<str:role_id>/change/", role_forms.ChangeRole),
    Page("copy_role", "access/role/<str:role_id>/copy/", role_forms.CopyRole),
    Page("delete_role", "access/role/<str:role_id>/delete/", role_forms.DeleteRole),
    Page("access_people", "access/people/", people_pages.People),
    # By its query, because a product's own user id may have slashes.
    Page("person", "access/person/", people_pages.Person),
    Page("assign", "access/assign/", people_pages.Assign),
    Page("access_changes", "access/changes/", access_pages.Changes),
    Page("export_access", "access/export/<str:name>/", exporting.ExportAccess),
    Page("database", "database/", database_pages.Database, tab="Database"),
    Page("back_up", "database/back_up/", database_forms.BackUp, action="Back up"),
    Page("remove_backup", "database/backup/<str:name>/remove/", database_forms.RemoveBackup),
    Page("restore_backup", "database/backup/<str:name>/restore/", database_forms.Restore),
    Page("issue_recovery", "database/break_glass/", database_forms.Issue, action="Break glass"),
    Page("redeem_recovery", "database/redeem/", database_forms.Redeem),
)

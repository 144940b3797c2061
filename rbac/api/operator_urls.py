"""The operators' routes of rbac below `/api/admin/orgs/{id}/rbac/`."""

from django.urls import path

from rbac.api import operator_views as views

app_name = "rbac-operator"

urlpatterns = [
    path("verify", views.Verify.as_view(), name="verify"),
    path("backup", views.Backups.as_view(), name="backups"),
    path("backup/<str:name>", views.BackupDetail.as_view(), name="backup"),
    path("restore", views.Restore.as_view(), name="restore"),
    path("reset-admin", views.ResetAdmin.as_view(), name="reset-admin"),
]

"""The routes of rbac below `/api/org/`."""

from django.urls import path

from rbac.api import check_views, views

urlpatterns = [
    path("roles", views.Roles.as_view(), name="roles"),
    path("roles/<slug:role_id>", views.RoleDetail.as_view(), name="role"),
    path("roles/<slug:role_id>/copy", views.RoleCopy.as_view(), name="role-copy"),
    path("users", views.Principals.as_view(), name="users"),
    # A product's own user id may have slashes.
    path("users/<path:principal_id>/roles", views.UserRoles.as_view(), name="user-roles"),
    path("users/<path:principal_id>/permissions", views.UserPermissions.as_view(), name="user-permissions"),
    path("changes", views.Changes.as_view(), name="changes"),
    path("check", check_views.Check.as_view(), name="check"),
]

"""The routes of rbac below `/api/org/`."""

from django.urls import path

from rbac.api import views

urlpatterns = [
    path("roles", views.Roles.as_view(), name="roles"),
    path("roles/<slug:role_id>", views.RoleDetail.as_view(), name="role"),
    path("users/<str:principal_id>/roles", views.UserRoles.as_view(), name="user-roles"),
    path("check", views.Check.as_view(), name="check"),
]

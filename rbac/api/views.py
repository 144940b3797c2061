"""The tenant API's roles, assignments and decisions."""

from typing import cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import PulseView, validated
from rbac import access, errors, roles
from rbac.api import serializers
from rbac.models import Role
from tenants.api.permissions import TokenScope
from tenants.api.tenant_views import TenantView
from tenants.models import User


class Roles(TenantView, generics.ListAPIView[Role]):
    """The roles of the organization."""

    resource = "roles"
    serializer_class = serializers.RoleSerializer
    search_fields = ("id", "name")
    filterset_fields = ("built_in",)
    ordering_fields = ("id", "priority")

    def get_queryset(self) -> QuerySet[Role]:
        if getattr(self, "swagger_fake_view", False):
            return Role.objects.using("default").none()
        return Role.objects.prefetch_related("permissions").order_by("id")


class RoleDetail(TenantView):
    resource = "roles"

    @extend_schema(responses=serializers.RoleSerializer)
    def get(self, request: Request, role_id: str) -> Response:
        role = Role.objects.prefetch_related("permissions").filter(id=role_id).first()
        if role is None:
            raise errors.RoleNotFound
        return Response(serializers.RoleSerializer(role).data)


class UserRoles(TenantView):
    """The roles of one principal: a member's public UUID or a product's own user id."""

    resource = "roles"

    @extend_schema(responses=serializers.AssignmentSerializer)
    def get(self, request: Request, principal_id: str) -> Response:
        return Response({"roles": roles.of_principal(principal_id)})

    @extend_schema(request=serializers.AssignmentSerializer, responses=serializers.AssignmentSerializer)
    def put(self, request: Request, principal_id: str) -> Response:
        """Give the principal exactly these roles. Nobody changes their own; an admin must remain."""
        wanted = validated(serializers.AssignmentSerializer(data=request.data), codes={})
        assigned = roles.assign(principal_id, roles=wanted["roles"], actor=self.actor())
        return Response({"roles": assigned})


class Check(PulseView):
    """Decisions for products. A token needs the scope `check`."""

    permission_classes = (IsAuthenticated, TokenScope)
    scope = "check"

    @extend_schema(request=serializers.CheckSerializer, responses=serializers.DecisionSerializer)
    def post(self, request: Request) -> Response:
        """Whether the principal may do the action on the resource, and which rule decided."""
        asked = validated(serializers.CheckSerializer(data=request.data), codes={})
        user = asked.get("user") or str(cast(User, request.user).public_id)
        decision = access.explain(user, asked["action"], asked["resource"], asked.get("attributes"))
        rule = decision.rule
        decided_by = rule and {
            "role": rule.role,
            "action": rule.action,
            "resource": rule.resource,
            "effect": "allow" if rule.allow else "deny",
        }
        return Response({"allowed": decision.allowed, "decided_by": decided_by})

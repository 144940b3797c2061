"""The tenant API's roles and assignments, with their history."""

from django.db.models import QuerySet
from django_filters import CharFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse import versions
from pulse.api import validated
from pulse.filters import InstantFilter
from rbac import assignments, errors, roles
from rbac.api import serializers
from rbac.models import Change, Principal, Role
from tenants.api.tenant_views import TenantView

IF_MATCH = OpenApiParameter(
    "If-Match", location=OpenApiParameter.HEADER, description="The ETag that was read; 412 when it is stale."
)
# A field that the serializer refuses gets the code that the verb would give.
REFUSALS = dict.fromkeys(
    ("id", "name", "description", "parent", "priority", "permissions"), errors.InvalidRole
)


def shown_role(role: Role, *, code: int = status.HTTP_200_OK) -> Response:
    document = roles.document(role)
    return versions.respond(document, of=document, code=code)


# A role at its limits, 200 permissions of 20 conditions each, in a body of its own.
ROLE_BYTES = 1024 * 1024


class Roles(TenantView, generics.ListAPIView[Role]):
    """The roles of the organization."""

    resource = "roles"
    max_body_bytes = ROLE_BYTES
    serializer_class = serializers.RoleSerializer
    search_fields = ("id", "name")
    filterset_fields = ("built_in", "parent")
    ordering_fields = ("id", "priority")

    def get_queryset(self) -> QuerySet[Role]:
        if getattr(self, "swagger_fake_view", False):
            return Role.objects.using("default").none()
        return Role.objects.prefetch_related("permissions").order_by("id")

    @extend_schema(request=serializers.NewRoleSerializer, responses={201: serializers.RoleSerializer})
    def post(self, request: Request) -> Response:
        """Make a role."""
        wanted = serializers.NewRoleSerializer(data=request.data)
        role_id = validated(wanted, codes=REFUSALS)["id"]
        role = roles.create(role_id, wanted.draft(), actor=self.actor())
        return shown_role(role, code=status.HTTP_201_CREATED)


class RoleDetail(TenantView):
    resource = "roles"
    max_body_bytes = ROLE_BYTES

    @extend_schema(responses=serializers.RoleSerializer)
    def get(self, request: Request, role_id: str) -> Response:
        return shown_role(roles.find(role_id))

    @extend_schema(
        request=serializers.DraftSerializer, responses=serializers.RoleSerializer, parameters=[IF_MATCH]
    )
    def put(self, request: Request, role_id: str) -> Response:
        """Make the role what the body says, whole."""
        wanted = serializers.DraftSerializer(data=request.data)
        validated(wanted, codes=REFUSALS)
        return shown_role(
            roles.change(role_id, wanted.draft(), actor=self.actor(), seen=versions.seen_by(request))
        )

    @extend_schema(responses={204: None}, parameters=[IF_MATCH])
    def delete(self, request: Request, role_id: str) -> Response:
        """Refused while the role is assigned or inherited from."""
        roles.delete(role_id, actor=self.actor(), seen=versions.seen_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RoleCopy(TenantView):
    resource = "roles"

    @extend_schema(request=serializers.CopySerializer, responses={201: serializers.RoleSerializer})
    def post(self, request: Request, role_id: str) -> Response:
        """A new role that says what this one says."""
        wanted = validated(serializers.CopySerializer(data=request.data), codes=REFUSALS)
        role = roles.copy(role_id, to=wanted["id"], name=wanted["name"], actor=self.actor())
        return shown_role(role, code=status.HTTP_201_CREATED)


class PrincipalFilter(FilterSet):
    role = CharFilter(field_name="assignments__role_id", distinct=True)

    class Meta:
        model = Principal
        fields = ("role",)


class Principals(TenantView, generics.ListAPIView[Principal]):
    """Whom roles have been given to, and which."""

    resource = "roles"
    serializer_class = serializers.PrincipalSerializer
    filterset_class = PrincipalFilter
    search_fields = ("id", "display_name")
    ordering_fields = ("id",)

    def get_queryset(self) -> QuerySet[Principal]:
        if getattr(self, "swagger_fake_view", False):
            return Principal.objects.using("default").none()
        return Principal.objects.prefetch_related("assignments").order_by("id")


class UserRoles(TenantView):
    """The roles of one principal: a member's public UUID or a product's own user id."""

    resource = "roles"

    @extend_schema(responses=serializers.AssignmentSerializer)
    def get(self, request: Request, principal_id: str) -> Response:
        assigned = assignments.of_principal(principal_id)
        return versions.respond({"roles": assigned}, of=assigned)

    @extend_schema(
        request=serializers.AssignmentSerializer,
        responses=serializers.AssignmentSerializer,
        parameters=[IF_MATCH],
    )
    def put(self, request: Request, principal_id: str) -> Response:
        """Give the principal exactly these roles. Nobody changes their own; an admin must remain."""
        wanted = validated(serializers.AssignmentSerializer(data=request.data), codes={})
        assigned = assignments.assign(
            principal_id, roles=wanted["roles"], actor=self.actor(), seen=versions.seen_by(request)
        )
        return versions.respond({"roles": assigned}, of=assigned)


class UserPermissions(TenantView):
    resource = "roles"

    @extend_schema(responses=serializers.EffectiveListSerializer)
    def get(self, request: Request, principal_id: str) -> Response:
        """Every rule that counts for the principal, and the role that it comes from."""
        found = assignments.effective(principal_id)
        return Response({"permissions": serializers.EffectiveSerializer(found, many=True).data})


class ChangeFilter(FilterSet):
    after = InstantFilter(field_name="at", lookup_expr="gte")
    before = InstantFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = Change
        fields = ("verb", "subject", "actor")


class Changes(TenantView, generics.ListAPIView[Change]):
    """The append-only changelog of roles and assignments, newest first."""

    resource = "audit_logs"
    serializer_class = serializers.ChangeSerializer
    filterset_class = ChangeFilter
    ordering_fields = ("id",)

    def get_queryset(self) -> QuerySet[Change]:
        if getattr(self, "swagger_fake_view", False):
            return Change.objects.using("default").none()
        return Change.objects.order_by("-id")

"""The operators' API: `/api/admin/orgs`."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import FileResponse
from django_filters import BooleanFilter, MultipleChoiceFilter
from django_filters.rest_framework.backends import DjangoFilterBackend
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import PulseView, validated
from pulse.filters import InstantFilter
from pulse.models import AuditEvent
from pulse.problems import InvalidReason
from tenants import errors, exports, lifecycle, organizations, provisioning, resources, synthetic
from tenants.api import serializers
from tenants.api.permissions import IsOperator, TokenScope
from tenants.models import Organization, Status
from tenants.presentation import organization_json

REFUSALS = {
    "email": errors.InvalidEmail,
    "name": errors.InvalidOrganizationName,
    "display_name": errors.InvalidOrganizationName,
    "id": errors.InvalidOrganizationId,
    "reason": InvalidReason,
    "retention_days": errors.InvalidRetentionDays,
}


class OperatorView(PulseView):
    permission_classes = (IsOperator, TokenScope)
    read_permission: ClassVar[str] = "tenants.view_organization"


class OrganizationFilter(FilterSet):
    status = MultipleChoiceFilter(choices=Status.choices)
    synthetic = BooleanFilter(field_name="is_synthetic", help_text="Those that drills made, and no others.")
    created_after = InstantFilter(field_name="created_at", lookup_expr="gte")
    created_before = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Organization
        fields = ("status",)


class OrganizationSearch(SearchFilter):
    """By the same fields as in the admin and on the command line."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        words = " ".join(self.get_search_terms(request))
        return queryset.search(words)


class OrganizationList(OperatorView, generics.ListAPIView[Organization]):
    serializer_class = serializers.OrganizationSerializer
    filterset_class = OrganizationFilter
    filter_backends = (DjangoFilterBackend, OrganizationSearch, OrderingFilter)
    ordering_fields = ("id", "created_at", "status_changed_at", "purge_after")

    def get_queryset(self) -> QuerySet[Organization]:
        """All that live; tombstones only when a state is asked for, those of drills only when they are."""
        found = Organization.objects.with_owner().order_by("id")
        if not self.request.query_params.get("synthetic"):
            found = found.customers()
        return found if self.request.query_params.get("status") else found.living()

    @extend_schema(
        request=serializers.NewOrganizationSerializer,
        responses={
            201: serializers.OrganizationSerializer,
            200: serializers.OrganizationSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Provision an organization: 201, or 200 with the existing one if this e-mail has asked before."""
        wanted = validated(serializers.NewOrganizationSerializer(data=request.data), codes=REFUSALS)
        provisioned = provisioning.provision(
            email=wanted["email"],
            name=wanted["name"],
            organization_id=wanted.get("id"),
            is_synthetic=wanted["synthetic"],
            actor=self.actor(),
        )
        code = status.HTTP_200_OK if provisioned.existing else status.HTTP_201_CREATED
        return Response(organization_json(provisioned.organization.id), status=code)


class OrganizationDetail(OperatorView):
    @extend_schema(responses=serializers.OrganizationSerializer)
    def get(self, request: Request, organization_id: str) -> Response:
        return Response(organization_json(organization_id))

    @extend_schema(request=serializers.RenameSerializer, responses=serializers.OrganizationSerializer)
    def patch(self, request: Request, organization_id: str) -> Response:
        wanted = validated(serializers.RenameSerializer(data=request.data), codes=REFUSALS)
        organizations.rename(organization_id, name=wanted["display_name"], actor=self.actor())
        return Response(organization_json(organization_id))


class LifecycleView(OperatorView):
    """One transition of the lifecycle table; subclasses name its verb and document its request."""

    verb: Callable[..., Organization]
    request_serializer: type[serializers.ReasonSerializer] = serializers.ReasonSerializer

    @extend_schema(responses=serializers.OrganizationSerializer)
    def post(self, request: Request, organization_id: str) -> Response:
        wanted = validated(self.request_serializer(data=request.data), codes=REFUSALS)
        type(self).verb(organization_id, actor=self.actor(), **wanted)
        return Response(organization_json(organization_id))


class Suspend(LifecycleView):
    """Refuse the organization's people from their next request on; its data stays whole."""

    verb = staticmethod(lifecycle.suspend)
    post = extend_schema(request=serializers.ReasonSerializer)(LifecycleView.post)


class Unsuspend(LifecycleView):
    """Let the organization's people in again."""

    verb = staticmethod(lifecycle.unsuspend)
    post = extend_schema(request=serializers.ReasonSerializer)(LifecycleView.post)


class SoftDelete(LifecycleView):
    """Refuse the organization's people, and have it purged after its retention."""

    verb = staticmethod(lifecycle.soft_delete)
    request_serializer = serializers.SoftDeleteSerializer
    post = extend_schema(request=serializers.SoftDeleteSerializer)(LifecycleView.post)


class Restore(LifecycleView):
    """Undo a soft delete: back to the state before it."""

    verb = staticmethod(lifecycle.restore)
    post = extend_schema(request=serializers.ReasonSerializer)(LifecycleView.post)


class EndRetention(LifecycleView):
    """Let the reaper purge a drill's organization that is pending deletion without waiting for its day."""

    verb = staticmethod(synthetic.end_retention)
    post = extend_schema(request=serializers.ReasonSerializer)(LifecycleView.post)


class EventFilter(FilterSet):
    after = InstantFilter(field_name="at", lookup_expr="gte")
    before = InstantFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEvent
        fields = ("verb", "actor", "request_id")


class Events(OperatorView, generics.ListAPIView[AuditEvent]):
    """The organization's audit timeline, newest first. A tombstone's can be read too."""

    serializer_class = serializers.EventSerializer
    filterset_class = EventFilter
    ordering_fields = ("sequence",)
    read_permission = "pulse.view_auditevent"

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if getattr(self, "swagger_fake_view", False):
            return AuditEvent.objects.none()
        organization_id = self.kwargs["organization_id"]
        if not Organization.objects.named(organization_id).exists():
            raise errors.OrganizationNotFound
        return AuditEvent.objects.filter(organization=organization_id).order_by("-sequence")


class Verify(OperatorView):
    @extend_schema(responses=serializers.FindingsSerializer)
    def get(self, request: Request, organization_id: str) -> Response:
        """Check every part of the tenant; findings by tenant resource."""
        findings = resources.verify(organizations.living(organization_id))
        return Response({"whole": not findings, "findings": findings})


class ZipRenderer(JSONRenderer):
    """For negotiation alone: the view answers with the file itself, and refusals stay JSON."""

    media_type = "application/zip"
    format = "zip"


class Export(OperatorView):
    renderer_classes = (JSONRenderer, ZipRenderer)
    read_permission = "tenants.export_organization"

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, organization_id: str) -> FileResponse:
        """Everything held on the tenant: a ZIP of JSON lines with a manifest."""
        archive = exports.exported(organization_id, actor=self.actor())
        return FileResponse(archive, as_attachment=True, filename=f"{organization_id}.zip")

"""Support access over HTTP: the operators' side, and the organization's."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import validated
from pulse.problems import InvalidReason
from tenants import context, errors, organizations, support
from tenants.api import serializers
from tenants.api.operator_views import OperatorView
from tenants.api.tenant_views import TenantView
from tenants.models import SupportAccess

REFUSALS = {"reason": InvalidReason, "minutes": errors.InvalidMinutes}


class LookIn(OperatorView):
    @extend_schema(request=serializers.LookInSerializer, responses={201: serializers.SupportAccessSerializer})
    def post(self, request: Request, organization_id: str) -> Response:
        """Let the operator's session look into the organization. Its owners are told."""
        wanted = validated(serializers.LookInSerializer(data=request.data), codes=REFUSALS)
        access = support.start(organization_id, actor=self.actor(), **wanted)
        shown = serializers.SupportAccessSerializer(access).data
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, organization_id: str) -> Response:
        """End it at once."""
        support.end(organization_id, actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SupportAccesses(TenantView, generics.ListAPIView[SupportAccess]):
    """Which operators have looked in, when and why; newest first."""

    resource = "audit_logs"
    serializer_class = serializers.SupportAccessSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[SupportAccess]:
        if getattr(self, "swagger_fake_view", False):
            return SupportAccess.objects.none()
        return SupportAccess.objects.filter(organization=context.current()).select_related("operator")


class EndSupport(TenantView):
    resource = "settings"

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End every operator's access to the organization at once."""
        support.end_all(context.current(), actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SupportSetting(TenantView):
    resource = "settings"

    @extend_schema(responses=serializers.SupportSettingSerializer)
    def get(self, request: Request) -> Response:
        """Whether support may write."""
        return Response({"may_write": organizations.living(context.current()).support_may_write})

    @extend_schema(
        request=serializers.SupportSettingSerializer, responses=serializers.SupportSettingSerializer
    )
    def put(self, request: Request) -> Response:
        """Let support write, or only read; never who may get in."""
        wanted = validated(serializers.SupportSettingSerializer(data=request.data), codes={})
        verb = support.let_write if wanted["may_write"] else support.let_only_read
        verb(context.current(), actor=self.actor())
        return Response(wanted)

"""The tenant API's domains, by which people are led to their organization's single sign-on."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import validated
from tenants import context, errors
from tenants.api import serializers
from tenants.api.tenant_views import TenantView
from tenants.models import DomainClaim
from tenants.sso import domains

REFUSALS = {"domain": errors.InvalidDomain}


class Domains(TenantView, generics.ListAPIView[DomainClaim]):
    """The domains that the organization claims, each with the TXT record that proves it."""

    resource = "settings"
    serializer_class = serializers.DomainClaimSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[DomainClaim]:
        if getattr(self, "swagger_fake_view", False):
            return DomainClaim.objects.none()
        return DomainClaim.objects.filter(organization=context.current())

    @extend_schema(
        request=serializers.NewDomainSerializer, responses={201: serializers.DomainClaimSerializer}
    )
    def post(self, request: Request) -> Response:
        """Claim a domain. It counts once its record has been found."""
        wanted = validated(serializers.NewDomainSerializer(data=request.data), codes=REFUSALS)
        claim = domains.claim(context.current(), actor=self.actor(), **wanted)
        shown = serializers.DomainClaimSerializer(claim).data
        return Response(shown, status=status.HTTP_201_CREATED)


class Domain(TenantView):
    resource = "settings"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, claim_id: int) -> Response:
        """Give the domain up."""
        domains.release(context.current(), claim_id, actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class CheckDomain(TenantView):
    resource = "settings"
    keeps_replies = False

    @extend_schema(request=None, responses=serializers.DomainClaimSerializer)
    def post(self, request: Request, claim_id: int) -> Response:
        """Look for the domain's record now, which can take seconds."""
        claim = domains.check(context.current(), claim_id, actor=self.actor())
        return Response(serializers.DomainClaimSerializer(claim).data)

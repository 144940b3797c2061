"""Billing over HTTP: the operators' billing-state, the tenant's entitlements and links, Stripe's webhook."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from billing import checkout, entitlements, errors, overrides, webhooks
from billing.api import serializers
from billing.changing import describe
from pulse import versions
from pulse.api import PulseView, validated
from pulse.problems import InvalidReason
from tenants import context, organizations
from tenants.api.operator_views import OperatorView
from tenants.api.tenant_views import TenantView

IF_MATCH = OpenApiParameter(
    "If-Match", location=OpenApiParameter.HEADER, description="The ETag that was read; 412 when it is stale."
)
REFUSALS = {
    "subscription_state": errors.InvalidSubscriptionState,
    "plan_version": errors.UnknownPlan,
    "limits": errors.InvalidLimit,
    "reason": InvalidReason,
}
# What a PUT over the API is audited with when it gives no reason; the admin asks for one.
BY_API = "set through the API"


class BillingState(OperatorView):
    read_permission = "billing.view_subscription"

    @extend_schema(responses=serializers.BillingStateSerializer)
    def get(self, request: Request, organization_id: str) -> Response:
        """The effective state of the organization's billing, and where each part of it comes from."""
        return self._shown(organizations.living(organization_id).id)

    @extend_schema(
        request=serializers.WantedStateSerializer,
        responses=serializers.BillingStateSerializer,
        parameters=[IF_MATCH],
    )
    def put(self, request: Request, organization_id: str) -> Response:
        """Lay an override over the subscription, in the place of the one before."""
        wanted = validated(serializers.WantedStateSerializer(data=request.data), codes=REFUSALS)
        reason = wanted.pop("reason") or BY_API
        overrides.put(
            organization_id, wanted, actor=self.actor(), reason=reason, seen=versions.seen_by(request)
        )
        return self._shown(organization_id)

    def _shown(self, organization_id: str) -> Response:
        described = describe(entitlements.for_organization(organization_id))
        return versions.respond(described, of=described)


class Entitlements(TenantView):
    resource = "billing"

    @extend_schema(responses=serializers.EntitlementsSerializer)
    def get(self, request: Request) -> Response:
        """What the organization may do: for its people and its product."""
        described = describe(entitlements.for_organization(context.current()))
        return Response(serializers.EntitlementsSerializer(described).data)


class Checkout(TenantView):
    resource = "billing"

    @extend_schema(request=serializers.PlanSerializer, responses=serializers.LinkSerializer)
    def post(self, request: Request) -> Response:
        """A link to Stripe's Checkout for a plan. It also works once the subscription has ended."""
        wanted = validated(serializers.PlanSerializer(data=request.data), codes={})
        return Response({"url": checkout.start(context.current(), plan=wanted["plan"], actor=self.actor())})


class Portal(TenantView):
    resource = "billing"

    @extend_schema(request=None, responses=serializers.LinkSerializer)
    def post(self, request: Request) -> Response:
        """A link to Stripe's customer portal: cards, invoices, cancellation."""
        return Response({"url": checkout.portal(context.current(), actor=self.actor())})


class StripeWebhook(PulseView):
    """Stripe's events, by their signature."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    # A stranger would leave a row for each key, and an event has an id of its own.
    keeps_replies = False
    # An invoice with many lines is larger than other bodies.
    max_body_bytes = 1024 * 1024

    @extend_schema(
        request={"application/json": {"type": "object"}}, responses=serializers.ReceivedSerializer, auth=[]
    )
    def post(self, request: Request) -> Response:
        """Stored and answered at once; a job processes it."""
        webhooks.receive(request._request.body, signature=request.headers.get("Stripe-Signature", ""))
        return Response({"received": True}, status=status.HTTP_200_OK)

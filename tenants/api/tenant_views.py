"""The tenant's own API: the organization, its members and its tokens; and the edge check."""

from dataclasses import replace
from typing import cast

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.actors import Actor
from pulse.api import PulseView, validated
from pulse.problems import respond
from tenants import context, organizations, tokens
from tenants.api import serializers
from tenants.api.access import Access
from tenants.api.permissions import TokenScope
from tenants.errors import (
    InvalidExpiry,
    InvalidOverlap,
    InvalidTokenName,
    StateChanged,
    TokenNotFound,
)
from tenants.models import ApiToken, Organization, User


class TenantView(PulseView):
    """A view of the current organization. `resource` is what the RBAC check of each method asks for."""

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated, TokenScope, Access)
    resource: str

    @property
    def person(self) -> User:
        """Who asks; authenticated, or the permission classes have refused."""
        return cast(User, self.request.user)

    def actor(self) -> Actor:
        """A member, even if they are an operator elsewhere; not whoever looks in as support."""
        look = self.request._request.admission.look  # type: ignore[attr-defined]
        return replace(super().actor(), as_member=look is None)

    def caller(self) -> str:
        """Keys of one person in two organizations are two keys."""
        return f"{super().caller()} {context.current()}"


class CurrentOrganization(TenantView):
    resource = "settings"

    @extend_schema(responses=serializers.OrganizationSerializer)
    def get(self, request: Request) -> Response:
        """The organization that this request acts in."""
        organization = Organization.objects.with_owner().get(id=context.current())
        return Response(serializers.OrganizationSerializer(organization).data)


class Tokens(TenantView, generics.ListAPIView[ApiToken]):
    """The caller's own tokens in the organization."""

    resource = "tokens"
    serializer_class = serializers.TokenSerializer
    secrets = ("token",)
    filterset_fields = ("prefix",)
    ordering_fields = ("created_at", "last_used_at")

    def get_queryset(self) -> QuerySet[ApiToken]:
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        return ApiToken.objects.filter(user=self.person, organization=context.current())

    @extend_schema(request=serializers.NewTokenSerializer, responses={201: serializers.IssuedTokenSerializer})
    def post(self, request: Request) -> Response:
        """Make a token for oneself. Its text is in this answer and nowhere else."""
        wanted = validated(
            serializers.NewTokenSerializer(data=request.data),
            codes={"expires_days": InvalidExpiry, "name": InvalidTokenName},
        )
        token, text = tokens.create_for_member(
            self.person,
            organizations.living(context.current()),
            actor=self.actor(),
            name=wanted["name"],
            scopes=list(wanted["scopes"]),
            expires_days=wanted.get("expires_days"),
            within=cast(ApiToken | None, request.auth),
        )
        shown = serializers.TokenSerializer(token).data | {"token": text}
        return Response(shown, status=status.HTTP_201_CREATED)


class OwnToken(TenantView):
    resource = "tokens"

    def mine(self, token_id: int) -> ApiToken:
        """Raises `TokenNotFound` for one that is not the caller's, here."""
        found = ApiToken.objects.filter(pk=token_id, user=self.person, organization=context.current()).first()
        if found is None:
            raise TokenNotFound
        return found


class Token(OwnToken):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        """Revoke one of one's own tokens."""
        tokens.revoke(self.mine(token_id), actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateToken(OwnToken):
    secrets = ("token",)

    @extend_schema(request=serializers.RotationSerializer, responses={201: serializers.IssuedTokenSerializer})
    def post(self, request: Request, token_id: int) -> Response:
        """Make a token in the place of one's own; the old one works beside it for a while."""
        wanted = validated(
            serializers.RotationSerializer(data=request.data), codes={"overlap_hours": InvalidOverlap}
        )
        token, text = tokens.rotate(
            self.mine(token_id),
            actor=self.actor(),
            overlap_hours=wanted["overlap_hours"],
            within=cast(ApiToken | None, request.auth),
        )
        shown = serializers.TokenSerializer(token).data | {"token": text}
        return Response(shown, status=status.HTTP_201_CREATED)


def edge_check(request: HttpRequest) -> HttpResponse:
    """What a reverse proxy asks before it lets a request through to a product.

    The gate has passed it already, so the answer is 204 and says who asks for which organization.
    """
    response = HttpResponse(status=204)
    response["X-Pulse-Org-ID"] = context.current()
    response["X-Pulse-User"] = str(request.user.public_id)  # type: ignore[union-attr]
    return response


def edge_refusal(request: HttpRequest) -> HttpResponse:
    """For a proxy that was refused and could not keep the answer, as nginx's auth_request cannot.

    The same gate refuses again, with the body that the client is to read. Where it has opened in between
    the answer is 503, and never 2xx: the client would take that for the product's.
    """
    return respond(request, StateChanged(headers={"Retry-After": "1"}))

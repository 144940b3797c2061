"""The tenant API's single sign-on: the provider, its groups, and whom it vouches for."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import validated
from tenants import context
from tenants.api import sso_serializers as serializers
from tenants.api.member_views import MemberView
from tenants.api.tenant_views import TenantView
from tenants.models import Membership, Organization
from tenants.sso import configuration, errors, probe
from tenants.sso.models import SsoConnection

WELL_FORMED = dict.fromkeys(
    ("issuer", "client_id", "client_secret", "groups_claim", "session_minutes"), errors.InvalidConnection
)


class SsoView(TenantView):
    """A change of what the organization's sign-in is, answered with all that it is then."""

    resource = "settings"

    def answer(self) -> Response:
        return Response(serializers.SsoSerializer(_shown(context.current())).data)


class Sso(SsoView):
    @extend_schema(responses=serializers.SsoSerializer)
    def get(self, request: Request) -> Response:
        """The organization's single sign-on, and what it still takes."""
        return self.answer()

    @extend_schema(request=serializers.ConnectionSerializer, responses=serializers.SsoSerializer)
    def put(self, request: Request) -> Response:
        """Name the identity provider. With another issuer or client, people are found anew."""
        wanted = validated(serializers.ConnectionSerializer(data=request.data), codes=WELL_FORMED)
        configuration.configure(context.current(), actor=self.actor(), **wanted)
        return self.answer()

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Forget the provider, its secret, its groups and who is who there."""
        configuration.remove(context.current(), actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Enable(SsoView):
    @extend_schema(request=None, responses=serializers.SsoSerializer)
    def post(self, request: Request) -> Response:
        """Let people sign in by the provider."""
        configuration.enable(context.current(), actor=self.actor())
        return self.answer()


class Disable(SsoView):
    @extend_schema(request=None, responses=serializers.SsoSerializer)
    def post(self, request: Request) -> Response:
        """Let nobody in by the provider, and passwords again."""
        configuration.disable(context.current(), actor=self.actor())
        return self.answer()


class RequireSso(SsoView):
    @extend_schema(request=None, responses=serializers.SsoSerializer)
    def post(self, request: Request) -> Response:
        """Refuse whoever has not come by the provider, but for the owner for emergencies."""
        configuration.require_sso(context.current(), actor=self.actor())
        return self.answer()


class AllowPasswords(SsoView):
    @extend_schema(request=None, responses=serializers.SsoSerializer)
    def post(self, request: Request) -> Response:
        """Let members in by password, too."""
        configuration.allow_passwords(context.current(), actor=self.actor())
        return self.answer()


class EmergencyOwner(SsoView, MemberView):
    resource = "settings"

    @extend_schema(request=serializers.EmergencyOwnerSerializer, responses=serializers.SsoSerializer)
    def put(self, request: Request) -> Response:
        """Name the owner who gets in by password whatever the provider does."""
        wanted = validated(serializers.EmergencyOwnerSerializer(data=request.data), codes={})
        owner = self.user(wanted["user"])
        configuration.name_emergency_owner(context.current(), owner, actor=self.actor())
        return self.answer()


class Groups(TenantView):
    resource = "settings"

    @extend_schema(responses=serializers.GroupsSerializer)
    def get(self, request: Request) -> Response:
        """Which roles each of the provider's groups has."""
        return Response(_groups(configuration.groups_of(context.current())))

    @extend_schema(request=serializers.GroupsSerializer, responses=serializers.GroupsSerializer)
    def put(self, request: Request) -> Response:
        """Let the groups have these roles and no others, from each person's next sign-in on."""
        wanted = validated(
            serializers.GroupsSerializer(data=request.data), codes={"groups": errors.InvalidGroups}
        )
        pairs = [(one["group"], one["role"]) for one in wanted["groups"]]
        return Response(_groups(configuration.map_groups(context.current(), pairs=pairs, actor=self.actor())))


class Probe(TenantView):
    resource = "settings"
    keeps_replies = False

    @extend_schema(request=None, responses=serializers.ChecksSerializer)
    def post(self, request: Request) -> Response:
        """Ask the provider for its discovery and its keys, which can take seconds. It changes nothing."""
        checks = probe.probe(context.current(), actor=self.actor())
        shown = {"passed": not any(check.refusal for check in checks), "checks": checks}
        return Response(serializers.ChecksSerializer(shown).data)


class Vouched(TenantView, generics.ListAPIView[Membership]):
    """The members whom the provider vouches for, or has; whoever's time is over gets in no more."""

    resource = "members"
    serializer_class = serializers.VouchedSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        return configuration.vouched_for(context.current())


class Release(MemberView):
    resource = "settings"

    @extend_schema(request=None, responses=serializers.VouchedSerializer)
    def post(self, request: Request, public_id: UUID) -> Response:
        """Let the member in by password again, whatever the provider has said."""
        released = configuration.release(context.current(), self.user(public_id), actor=self.actor())
        return Response(serializers.VouchedSerializer(released).data)


def _shown(organization_id: str) -> dict[str, Any]:
    connection = SsoConnection.objects.filter(organization=organization_id).first()
    owner = configuration.emergency_owner(organization_id)
    return {
        "redirect_uri": configuration.callback_address(organization_id),
        "issuer": connection.issuer if connection else "",
        "client_id": connection.client_id if connection else "",
        "has_secret": connection is not None,
        "groups_claim": connection.groups_claim if connection else "",
        "session_minutes": connection.session_minutes if connection else None,
        "enabled": connection is not None and connection.enabled,
        "sso_only": Organization.objects.values_list("sso_only", flat=True).get(id=organization_id),
        "emergency_owner": owner and owner.public_id,
        "missing": configuration.missing(organization_id),
    }


def _groups(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return {"groups": [{"group": group, "role": role} for group, role in pairs]}

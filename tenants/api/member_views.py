"""The tenant API's members and invitations, and a person's own choice among their organizations."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import PulseView, validated
from tenants import choice, context, errors, invitations, members
from tenants.api import serializers
from tenants.api.permissions import TokenScope
from tenants.api.tenant_views import TenantView
from tenants.models import Invitation, Membership, User

REFUSALS = {"email": errors.InvalidEmail, "days": errors.InvalidInvitationDays}


class Members(TenantView, generics.ListAPIView[Membership]):
    """The people of the organization."""

    resource = "members"
    serializer_class = serializers.MemberSerializer
    search_fields = ("user__email", "user__name")
    filterset_fields = ("is_owner",)
    ordering_fields = ("joined_at",)

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        members = Membership.objects.filter(organization=context.current())
        return members.select_related("user").order_by("pk")


class MemberView(TenantView):
    """Of one member, by their public UUID."""

    resource = "members"

    def user(self, public_id: UUID) -> User:
        """Raises `NotAMember`."""
        member = Membership.objects.filter(organization=context.current(), user__public_id=public_id)
        found = member.select_related("user").first()
        if found is None:
            raise errors.NotAMember
        return found.user


class Member(MemberView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, public_id: UUID) -> Response:
        """Remove the member: their roles, tokens and open invitations end, too."""
        members.remove(context.current(), self.user(public_id), actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SignOut(MemberView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, public_id: UUID) -> Response:
        """End the member's sessions and tokens in the organization at once."""
        members.sign_out(context.current(), self.user(public_id), actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class AddOwner(MemberView):
    @extend_schema(request=None, responses=serializers.MemberSerializer)
    def post(self, request: Request, public_id: UUID) -> Response:
        """Make the member an owner beside the others."""
        made = members.add_owner(context.current(), self.user(public_id), actor=self.actor())
        return Response(serializers.MemberSerializer(made).data)


class TransferOwnership(MemberView):
    @extend_schema(request=None, responses=serializers.MemberSerializer)
    def post(self, request: Request, public_id: UUID) -> Response:
        """Make the member an owner in the caller's place."""
        made = members.transfer_ownership(context.current(), to=self.user(public_id), actor=self.actor())
        return Response(serializers.MemberSerializer(made).data)


class Leave(TenantView):
    """Open to every member, whatever their roles."""

    permission_classes = (IsAuthenticated, TokenScope)

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Leave the organization. The last owner and the last admin cannot."""
        members.leave(context.current(), actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Invitations(TenantView, generics.ListAPIView[Invitation]):
    """The invitations that are neither accepted nor revoked."""

    resource = "members"
    serializer_class = serializers.InvitationSerializer
    ordering_fields = ("created_at", "expires_at")

    def get_queryset(self) -> QuerySet[Invitation]:
        if getattr(self, "swagger_fake_view", False):
            return Invitation.objects.none()
        return Invitation.objects.filter(organization=context.current(), accepted_at=None, revoked_at=None)

    @extend_schema(
        request=serializers.NewInvitationSerializer, responses={201: serializers.InvitationSerializer}
    )
    def post(self, request: Request) -> Response:
        """Mail somebody a link by which they join. Giving roles takes `write` on `roles`."""
        wanted = validated(serializers.NewInvitationSerializer(data=request.data), codes=REFUSALS)
        invitation = invitations.invite(
            context.current(),
            email=wanted["email"],
            roles_given=wanted["roles"],
            days=wanted["days"],
            actor=self.actor(),
        )
        shown = serializers.InvitationSerializer(invitation).data
        return Response(shown, status=status.HTTP_201_CREATED)


class InvitationDetail(TenantView):
    resource = "members"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, invitation_id: int) -> Response:
        """Revoke it: the link ends."""
        invitations.revoke(context.current(), invitation_id, actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendInvitation(TenantView):
    resource = "members"

    @extend_schema(request=None, responses=serializers.InvitationSerializer)
    def post(self, request: Request, invitation_id: int) -> Response:
        """Mail a new link; the earlier one ends."""
        invitation = invitations.resend(context.current(), invitation_id, actor=self.actor())
        return Response(serializers.InvitationSerializer(invitation).data)


class MyOrganizations(PulseView, generics.ListAPIView[Membership]):
    """The organizations that the caller belongs to."""

    permission_classes = (IsAuthenticated, TokenScope)
    serializer_class = serializers.MyOrganizationSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        return choice.organizations_of(self.request)


class Choose(PulseView):
    permission_classes = (IsAuthenticated,)
    keeps_replies = False

    @extend_schema(request=serializers.ChoiceSerializer, responses={204: None})
    def put(self, request: Request) -> Response:
        """Have the session's requests act in this one of the caller's organizations from now on."""
        wanted = validated(serializers.ChoiceSerializer(data=request.data), codes={})
        choice.choose(request._request, wanted["organization"])
        return Response(status=status.HTTP_204_NO_CONTENT)

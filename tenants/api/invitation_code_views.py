"""Invitation codes over HTTP: listed, made and revoked by operators."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import validated
from tenants import errors, invitation_codes
from tenants.api import serializers
from tenants.api.operator_views import OperatorView
from tenants.models import InvitationCode

REFUSALS = {"email": errors.InvalidEmail} | dict.fromkeys(("uses", "days", "note"), errors.InvalidInvitation)


class InvitationCodes(OperatorView, generics.ListAPIView[InvitationCode]):
    """Every code, newest first, with how often it was used."""

    read_permission = "tenants.view_invitationcode"
    serializer_class = serializers.InvitationCodeSerializer
    secrets = ("code",)
    queryset = InvitationCode.objects.all()
    search_fields = ("note", "email")
    filterset_fields = ("prefix",)
    ordering_fields = ("created_at", "expires_at", "used")

    @extend_schema(
        request=serializers.NewInvitationCodeSerializer,
        responses={201: serializers.IssuedInvitationCodeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a code. Its text is in this answer and nowhere else."""
        wanted = validated(serializers.NewInvitationCodeSerializer(data=request.data), codes=REFUSALS)
        code, text = invitation_codes.make(actor=self.actor(), **wanted)
        shown = serializers.InvitationCodeSerializer(code).data | {"code": text}
        return Response(shown, status=status.HTTP_201_CREATED)


class RevokeInvitationCode(OperatorView):
    @extend_schema(request=None, responses=serializers.InvitationCodeSerializer)
    def post(self, request: Request, code_id: int) -> Response:
        """Have nobody sign up by it any more; twice changes nothing."""
        code = invitation_codes.revoke(invitation_codes.numbered(code_id), actor=self.actor())
        return Response(serializers.InvitationCodeSerializer(code).data)

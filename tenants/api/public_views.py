"""The public API: sign-up."""

from dataclasses import replace

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.actors import Actor
from pulse.api import PulseView, validated
from pulse.clients import household_of
from tenants import errors, signups
from tenants.api import serializers

REFUSALS = {"email": errors.InvalidEmail, "org_name": errors.InvalidOrganizationName}


class Signup(PulseView):
    permission_classes = (AllowAny,)
    authentication_classes = ()

    def actor(self) -> Actor:
        """Nobody yet; in the audit log by what they did."""
        return replace(super().actor(), name="sign-up")

    @extend_schema(
        request=serializers.SignupSerializer,
        responses={202: serializers.AcceptedSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Ask for a trial organization. The answer is the same whether or not the e-mail is known;
        a mail tells the rest."""
        signups.admit(household_of(request._request))
        wanted = validated(serializers.SignupSerializer(data=request.data), codes=REFUSALS)
        signups.sign_up(
            email=wanted["email"],
            name=wanted["org_name"],
            invitation=wanted.get("invitation", ""),
            actor=self.actor(),
        )
        return Response({"status": "accepted"}, status=status.HTTP_202_ACCEPTED)

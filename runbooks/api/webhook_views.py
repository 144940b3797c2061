"""Alertmanager's webhook."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.actors import Actor
from pulse.api import PulseView
from pulse.gate import refuse_large_bodies
from pulse.problems import PermissionRefused
from runbooks import alertmanager
from runbooks.api import serializers
from tenants.gate import holds_scope

SCOPE = "alerts"


class MayAlert(BasePermission):
    """An operator's token with the scope `alerts`, which is looked up by its hash."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not holds_scope(request._request, SCOPE):
            raise PermissionRefused(f"This takes an operator's token with the scope {SCOPE}.")
        return True


class Alertmanager(PulseView):
    """Always on: an alert has to arrive when hosted mode is shut, most of all then."""

    permission_classes = (MayAlert,)
    authentication_classes = ()
    keeps_replies = False
    max_body_bytes = 1024 * 1024

    def actor(self) -> Actor:
        request_id = self.request.META.get("pulse.request_id", "")
        return Actor(kind="system", name="alertmanager", door="api", request_id=request_id)

    @extend_schema(
        request={"application/json": {"type": "object"}},
        responses=serializers.NotifiedSerializer,
        # Its stubs know of names alone.
        auth=[{"token": []}],  # type: ignore[list-item]
    )
    def post(self, request: Request) -> Response:
        """What fires opens an incident, or adds to the one that is open; what is over is written down."""
        refuse_large_bodies(request._request)
        received = alertmanager.receive(request.data, actor=self.actor())
        return Response({"incidents": received.incidents})

"""Decisions for products: `POST /api/org/check`, one or up to a thousand at a time."""

from typing import Any, cast

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import PulseView, validated
from rbac import access
from rbac.api import serializers
from rbac.policy import Decision
from tenants.api.permissions import TokenScope
from tenants.models import User


def one_or_many(name: str, one: Any, many: Any) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(name, serializers=[one, many], resource_type_field_name=None)


class Check(PulseView):
    """A token needs the scope `check`."""

    permission_classes = (IsAuthenticated, TokenScope)
    scope = "check"
    keeps_replies = False
    # A thousand checks with their attributes, at 1 KiB each.
    max_body_bytes = 1024 * 1024

    @extend_schema(
        request=one_or_many("CheckOrChecks", serializers.CheckSerializer, serializers.BatchSerializer),
        responses=one_or_many(
            "DecisionOrDecisions", serializers.DecisionSerializer, serializers.DecisionsSerializer
        ),
    )
    def post(self, request: Request) -> Response:
        """Whether the principal may do the action on the resource, and which rule of which role decided.

        With `checks`, up to 1,000 of them, `results` has the decisions in their order, all by the policy of
        one moment.
        """
        if isinstance(request.data, dict) and "checks" in request.data:
            checks = request.data["checks"]
            if not serializers.are_plain(checks):
                checks = validated(serializers.BatchSerializer(data=request.data), codes={})["checks"]
            decisions = access.explain_all([self._question(one) for one in checks])
            return Response({"results": [shown(decision) for decision in decisions]})
        one = validated(serializers.CheckSerializer(data=request.data), codes={})
        return Response(shown(access.explain(*self._question(one))))

    def _question(self, asked: dict[str, Any]) -> access.Question:
        user = asked.get("user") or str(cast(User, self.request.user).public_id)
        return user, asked["action"], asked["resource"], asked.get("attributes")


def shown(decision: Decision) -> dict[str, Any]:
    rule = decision.rule
    decided_by = rule and {
        "role": rule.role,
        "action": rule.action,
        "resource": rule.resource,
        "effect": "allow" if rule.allow else "deny",
        "conditions": rule.conditions,
    }
    return {"allowed": decision.allowed, "decided_by": decided_by}

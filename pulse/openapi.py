"""The OpenAPI schema's common parts: problem details for every refusal, and who may authenticate how."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from pulse.problems import CONTENT_TYPE


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


# Any operation can meet these: the gate, a broken tenant database, a limit.
REFUSALS = (400, 401, 402, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429, 503)


class ProblemSchema(AutoSchema):
    """Documents the refusals beside each operation's own answers."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """After `extend_schema`, whose `responses` would otherwise stand alone."""
        operation = super().get_operation(*args, **kwargs)
        if operation:
            problem = self.resolve_serializer(ProblemSerializer, "response").ref
            content = {CONTENT_TYPE: {"schema": problem}}
            for status in REFUSALS:
                answer = {"description": HTTPStatus(status).phrase, "content": content}
                operation["responses"].setdefault(str(status), answer)
        return operation


class GateScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "tenants.api.authentication.GateAuthentication"
    name = ["token", "session"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "pulse_…"},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]

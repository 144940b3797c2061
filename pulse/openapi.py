"""The OpenAPI schema's common parts: problem details for every refusal, and who may authenticate how."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


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
REFUSALS = (400, 401, 402, 403, 404, 405, 406, 409, 413, 415, 422, 429, 503)


class ProblemSchema(AutoSchema):
    """Documents the refusals beside each operation's own answers."""

    def get_response_serializers(self) -> Any:
        answers: Any = super().get_response_serializers()
        if not isinstance(answers, dict):
            answers = {"201" if self.method == "POST" and self._is_create_operation() else "200": answers}
        refused = {
            (str(status), "application/problem+json"): OpenApiResponse(ProblemSerializer)
            for status in REFUSALS
        }
        return {**answers, **refused}


class GateScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "tenants.api.authentication.GateAuthentication"
    name = ["token", "session"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "pulse_…"},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]

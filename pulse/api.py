"""What every API view shares: pagination, the actor, idempotency keys."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from pulse import idempotency
from pulse.actors import Actor, from_request
from pulse.models import IdempotencyKey
from pulse.problems import InvalidRequest, flatten


class Pagination(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class Repeated(Exception):
    """An earlier reply stands for this request."""

    def __init__(self, reply: IdempotencyKey) -> None:
        self.reply = reply


class PulseView(APIView):
    """The base of Pulse's API views."""

    reserved: IdempotencyKey | None = None

    def actor(self) -> Actor:
        return from_request(self.request, door="api")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        reserved = idempotency.reserve(request._request, caller=self.actor().name)
        if reserved is not None and reserved.status is not None:
            raise Repeated(reserved)
        self.reserved = reserved

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Repeated):
            return _KeptResponse(exc.reply)
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.reserved is not None and isinstance(response, Response):
            idempotency.settle(self.reserved, response)
        return response

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Exception:
            if self.reserved is not None:
                self.reserved.delete()
            raise


class _KeptResponse(Response):
    """The reply as it was sent the first time, byte for byte."""

    def __init__(self, reply: IdempotencyKey) -> None:
        super().__init__(None, status=reply.status, content_type=reply.content_type)
        self._kept = reply.body.encode()
        self["Idempotent-Replayed"] = "true"

    @property
    def rendered_content(self) -> bytes:
        self["Content-Type"] = str(self.content_type)
        return self._kept


def validated(serializer: BaseSerializer[Any], *, codes: dict[str, type[InvalidRequest]]) -> dict[str, Any]:
    """The serializer's validated data. The first field in error picks the refusal's code from `codes`."""
    if serializer.is_valid():
        return dict(serializer.validated_data)
    errors = flatten(serializer.errors)
    field = next(iter(errors))
    refusal = codes.get(field, InvalidRequest)
    raise refusal(errors=errors)

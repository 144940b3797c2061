"""What every API view shares: pagination, the actor, idempotency keys."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from pulse import idempotency
from pulse.actors import Actor, from_request
from pulse.clients import address_of
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
    # Whether an Idempotency-Key has the first reply repeated. Not where a POST only asks: an answer of
    # yesterday would stand for today's; nor where a stranger's POST would leave a row for each key.
    keeps_replies = True
    # Members of the reply that are shown once: an idempotent repetition gets null in their place.
    secrets: Sequence[str] = ()

    def actor(self) -> Actor:
        return from_request(self.request, door="api")

    def caller(self) -> str:
        """Whose Idempotency-Keys these are: a person's, or an address' for those who are nobody."""
        actor = self.actor()
        return actor.name if actor.user else f"{actor.name} {address_of(self.request._request)}"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.keeps_replies:
            return
        reserved = idempotency.reserve(request._request, caller=self.caller())
        if reserved is not None and reserved.status is not None:
            raise Repeated(reserved)
        self.reserved = reserved

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Repeated):
            return idempotency.repeat(exc.reply)
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.reserved is not None and isinstance(response, Response):
            idempotency.settle(self.reserved, response, secrets=self.secrets)
        return response

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Exception:
            if self.reserved is not None:
                idempotency.forget(self.reserved)
            raise


def validated(
    serializer: BaseSerializer[Any], *, codes: Mapping[str, type[InvalidRequest]]
) -> dict[str, Any]:
    """The serializer's validated data. The first field in error picks the refusal's code from `codes`,
    by its first part: `permissions` for `permissions[0].action`.
    """
    if serializer.is_valid():
        return dict(serializer.validated_data)
    errors = flatten(serializer.errors)
    field = next(iter(errors))
    refusal = codes.get(re.split(r"[.\[]", field, maxsplit=1)[0], InvalidRequest)
    raise refusal(errors=errors)

"""A URL table of views that fail, wait and answer in ways that Pulse's own seldom do."""

import threading

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import exceptions
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from pulse import urls
from pulse.api import PulseView
from pulse.problems import InvalidRequest
from pulse.routes import always_on


class Counting(PulseView):
    """Counts how often it has acted."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    acted = 0

    def post(self, request: Request) -> Response:
        Counting.acted += 1
        return Response({"acted": Counting.acted}, status=201, headers={"ETag": '"7"', "X-Other": "gone"})


class Failing(Counting):
    """Fails in a way that nobody foresaw, until it is mended."""

    broken = True

    def post(self, request: Request) -> Response:
        if Failing.broken:
            raise RuntimeError("nobody foresaw this")
        return super().post(request)


class Listing(Counting):
    """Answers with a list, and one of no members with nothing at all."""

    secrets = ("token",)

    def post(self, request: Request) -> Response:
        return Response([{"token": "a"}])

    def put(self, request: Request) -> Response:
        return Response(status=204)


class Waiting(Counting):
    """Tells that it was entered, and answers when it is let go."""

    entered = threading.Event()
    let_go = threading.Event()

    def post(self, request: Request) -> Response:
        self.entered.set()
        self.let_go.wait(20)
        return super().post(request)


FAILURES: dict[str, Exception] = {
    "problem": InvalidRequest("No."),
    "missing": Http404(),
    "denied": PermissionDenied(),
    "suspicious": SuspiciousOperation(),
    "huge": RequestDataTooBig(),
    "database": DatabaseError("connection to 10.0.0.1 lost"),
    "nul": DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"),
    "integrity": IntegrityError("duplicate key"),
    "defect": RuntimeError("nobody foresaw this"),
    "unauthenticated": exceptions.NotAuthenticated(),
    "parse": exceptions.ParseError(),
    "fields": exceptions.ValidationError({"name": ["Too short."]}),
}


class Raising(Counting):
    def get(self, request: Request, failure: str) -> Response:
        raise FAILURES[failure]


def raising_page(request: HttpRequest, failure: str) -> HttpResponse:
    raise FAILURES[failure]


handler400, handler404, handler500 = urls.handler400, urls.handler404, urls.handler500
urlpatterns = always_on(
    path("count", Counting.as_view()),
    path("fail", Failing.as_view()),
    path("list", Listing.as_view()),
    path("wait", Waiting.as_view()),
    path("api/<str:failure>", Raising.as_view()),
    path("page/<str:failure>", raising_page),
)

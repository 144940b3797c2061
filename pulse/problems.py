"""Refusals as RFC 9457 problem details: their type, and the one place that renders them.

A verb raises a `Problem`; the gate, DRF's exception handler, Django's own error handlers and the
commands all turn it into what their reader expects.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal with its machine-readable `code` and HTTP `status`.

    `detail` says to a person what happened and what to do; `headers` and `extra` members are added to
    the response.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    detail: str = "The request cannot be carried out."
    default_headers: ClassVar[Mapping[str, str]] = {}
    # A 5xx that keeps to a limit which was set, and so is no failure in the objectives' counts.
    by_design: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.detail = detail or type(self).detail
        self.errors = errors
        self.headers = {**self.default_headers, **(headers or {})}
        self.extra = extra
        super().__init__(self.detail)

    def as_json(self) -> dict[str, Any]:
        """The problem's members; `errors` maps a field to what is wrong with it."""
        members = members_of(status=self.status, code=self.code, detail=self.detail)
        if self.errors:
            members["errors"] = self.errors
        return members | self.extra


class NotFound(Problem):
    status = 404
    code = "not_found"
    detail = "There is nothing at this address."


class InvalidRequest(Problem):
    status = 400
    code = "invalid_request"
    detail = "The request is not valid."


class InvalidReason(InvalidRequest):
    code = "invalid_reason"
    detail = "A reason has at most 500 characters and no control characters."


class ReasonRequired(InvalidRequest):
    code = "reason_required"
    detail = "Say why."


class PermissionRefused(Problem):
    status = 403
    code = "permission_denied"
    detail = "You may not do this."


class ReauthenticationRequired(Problem):
    status = 403
    code = "reauthentication_required"
    detail = "This takes a sign-in of the last 15 minutes. Confirm that it is you, and do it again."


class StaleVersion(Problem):
    status = 412
    code = "stale_version"
    detail = "Somebody has changed this since you read it. Read it again."


class BodyTooLarge(Problem):
    status = 413
    code = "body_too_large"
    detail = "The body is larger than 64 KiB."


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    detail = "Pulse cannot answer this just now. Try again in a moment."
    default_headers = {"Retry-After": "1"}


def members_of(*, status: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": f"urn:pulse:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }


def respond(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem as JSON, or as a page for a person in a browser (who accepts HTML)."""
    if "text/html" in request.headers.get("Accept", ""):
        page = render_to_string(
            "pulse/problem.html",
            {"problem": problem.as_json(), "contact": settings.PULSE_SUPPORT_CONTACT},
        )
        return HttpResponse(page, status=problem.status, headers=problem.headers)
    return JsonResponse(
        problem.as_json(),
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )


def drf_exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal of a view as problem details; None lets an unexpected exception become a 500."""
    problem = as_problem(exception)
    if problem is None:
        return None
    set_rollback()
    response = Response(
        problem.as_json(), status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE
    )
    response.is_by_design = problem.by_design  # type: ignore[attr-defined]
    return response


def as_problem(exception: Exception) -> Problem | None:
    """The problem that an exception of Django's or DRF's stands for, or None for an unknown one."""
    match exception:
        case Problem():
            return exception
        case Http404():
            return NotFound()
        case RequestDataTooBig():
            return BodyTooLarge()
        case PermissionDenied():
            return PermissionRefused()
        case DataError() if "NUL (0x00)" in str(exception):
            # PostgreSQL's text has none, and whoever asks for one asks for nothing that there can be.
            return InvalidRequest("There is a NUL character in the request.")
        case DatabaseError() if not isinstance(exception, IntegrityError):
            log.error("the database failed", error=str(exception))
            return Unavailable()
        case RedisError():
            log.error("Redis failed", error=str(exception))
            return Unavailable()
        case exceptions.ValidationError():
            return InvalidRequest(errors=flatten(exception.detail))
        case exceptions.APIException():
            return _from_drf(exception)
    return None


def _from_drf(exception: exceptions.APIException) -> Problem:
    headers = {}
    if challenge := getattr(exception, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    problem = Problem(str(exception.detail), headers=headers)
    problem.status = exception.status_code  # type: ignore[misc]
    problem.code = str(exception.default_code)  # type: ignore[misc]
    return problem


def flatten(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested validation errors as `field.subfield` → messages."""
    if isinstance(detail, dict):
        errors: dict[str, list[str]] = {}
        for field, inner in detail.items():
            errors |= flatten(inner, _below(prefix, field))
        return errors
    if isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        errors = {}
        for index, inner in enumerate(detail):
            errors |= flatten(inner, f"{prefix}[{index}]")
        return errors
    messages = detail if isinstance(detail, list) else [detail]
    return {prefix or "non_field_errors": [str(message) for message in messages]}


def _below(prefix: str, field: str | int) -> str:
    """DRF numbers the items of a nested list by dictionary keys, and those of other lists by place."""
    if isinstance(field, int):
        return f"{prefix}[{field}]"
    return f"{prefix}.{field}" if prefix else field


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler404`: one body for unknown addresses, and for hosted ones while the gate is shut."""
    return respond(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`."""
    problem = Problem("Pulse failed to answer. The request id in X-Request-ID finds the cause in the logs.")
    problem.status, problem.code = 500, "internal_error"  # type: ignore[misc]
    return respond(request, problem)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`: a suspicious operation, such as an unknown Host header."""
    return respond(request, as_problem(exception) or InvalidRequest())

"""The gate: runs the steps of `settings.PULSE_GATE`, in order, before a hosted view is called.

A step is a function of the request that returns nothing and raises a `Problem` to refuse.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from pulse import metrics, routes
from pulse.problems import BodyTooLarge, Problem, Unavailable, as_problem, respond

Step = Callable[[HttpRequest], None]


class GateMiddleware:
    """`request.gate` is an ExitStack: a step may enter a context there, which ends with the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        steps = [(guards, import_string(path)) for guards, path in settings.PULSE_GATE]
        self.steps: dict[str, list[Step]] = {
            kind: [step for guards, step in steps if guards in routes.KINDS[: level + 1]]
            for level, kind in enumerate(routes.KINDS)
        }

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as stack:
            request.gate = stack  # type: ignore[attr-defined]
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        try:
            # An undeclared route is treated as a tenant's, the strictest kind.
            for step in self.steps[routes.declaration(view) or routes.TENANT]:
                step(request)
        except (Problem, DatabaseError) as error:
            # What cannot be read, such as a session, is a 503 and never a pass.
            problem = as_problem(error) or Unavailable()
            metrics.gate_refusals.labels(code=problem.code).inc()
            return _answer(view)(request, problem)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The refusals of views that are not DRF's: the admin's, `/metrics`, the edge check."""
        problem = as_problem(exception)
        return respond(request, problem) if problem else None


def _answer(view: Any) -> Callable[[HttpRequest, Problem], HttpResponse]:
    """How the view's class shows a refusal, where it has a way of its own."""
    return getattr(getattr(view, "view_class", None), "refuse", respond)


def refuse_large_bodies(request: HttpRequest) -> None:
    """Raise `BodyTooLarge` by the declared length; the server reads no more than what was declared.

    A view class may allow more by its `max_body_bytes`.
    """
    view = getattr(request.resolver_match.func, "cls", None)  # type: ignore[union-attr]
    most = getattr(view, "max_body_bytes", settings.PULSE_MAX_BODY_BYTES)
    declared = request.META.get("CONTENT_LENGTH") or "0"
    # Django, too, reads nothing of a body whose length is not a number.
    if declared.isdecimal() and int(declared) > most:
        raise BodyTooLarge(f"The body is larger than {most // 1024} KiB.")

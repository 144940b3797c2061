"""Content-Security-Policy: a browser runs and loads nothing on a page of Pulse but what Pulse serves."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# django-unfold's alpine evaluates expressions in attributes and sets styles; no script stands in its pages.
ADMIN = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Swagger UI, too, sets styles, and is started by a script in the page.
DOCS = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The first prefix that fits.
POLICIES = (("/admin/", ADMIN), ("/api/docs", DOCS), ("/", STRICT))


class PolicyMiddleware:
    """A view that needs another policy sets the header itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = next(policy for prefix, policy in POLICIES if request.path_info.startswith(prefix))
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

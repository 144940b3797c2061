"""A whole request through steps 3 to 7 of the gate, to one for a bare DRF view with the same authentication,
and to the gate without step 5, the subscription.

All go through Django's WSGI handler with all of the middleware, from the environment of the request to
the closing of the answer, as one owner's token.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from bench import ground
from bench.measure import alternately, median
from bench.results import Result, run
from tenants import tokens
from tenants.models import Membership

SUBSCRIPTION = "billing.gate.check_subscription"


def measure() -> list[Result]:
    settings.ROOT_URLCONF = "bench.urls"
    ground.migrate()
    token = owners_token("acme")
    handler = WSGIHandler()
    settings.PULSE_GATE = [step for step in settings.PULSE_GATE if step[1] != SUBSCRIPTION]
    gate, view, without = alternately(
        partial(get, handler, "/guarded", token),
        partial(get, handler, "/bare", token),
        partial(get, WSGIHandler(), "/guarded", token),
        rounds=800,
        title="the gate",
    )
    return [
        Result("request through the gate, to a bare DRF view", median(gate), median(view), "µs", 1.4),
        Result("request through the gate, to one without step 5", median(gate), median(without), "µs"),
    ]


def owners_token(organization_id: str) -> str:
    organization = ground.organization(organization_id)
    owner = Membership.objects.get(organization=organization, is_owner=True).user
    _, text = tokens.create_for_member(owner, organization, actor=ground.ACTOR, scopes=["read"])
    return text


def get(handler: WSGIHandler, path: str, token: str) -> None:
    response = handler(environment(path, token), start_response)
    body = b"".join(response)
    response.close()
    if body != b'{"ok":true}':
        raise AssertionError(f"{path}: {body!r}")


def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Callable[[bytes], object]:
    """What a server would send the status line with; a refusal is told by its body."""
    return bytes


def environment(path: str, token: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "application/json",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
    }


if __name__ == "__main__":
    run(measure)

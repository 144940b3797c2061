"""Optimistic concurrency: a short hash of what a client has seen, sent as `ETag` and back as `If-Match`."""

import hashlib
import json
from collections.abc import Collection
from typing import Any

from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK

from pulse.problems import StaleVersion

ANY = "*"


def version(seen: Any) -> str:
    """16 hexadecimal digits over the canonical JSON of what is shown."""
    canonical = json.dumps(seen, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def require(present: Any, seen: Collection[str]) -> None:
    """Raise `StaleVersion` unless `seen` is empty, or has `*` or the version of what is present.

    Called within the transaction that changes it, so nobody comes between the check and the change.
    """
    if seen and ANY not in seen and version(present) not in seen:
        raise StaleVersion


def seen_by(request: Request) -> list[str]:
    """The versions of `If-Match`, without their quotes, or `*`; empty without the header alone.

    What is not a version matches none: a client that sends the header wrongly is not let through.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return []
    if header.strip() == ANY:
        return [ANY]
    return [etag[1:-1] for etag in parse_etags(header) if etag not in ('"*"', '""')] or [""]


def respond(shown: Any, *, of: Any, code: int = HTTP_200_OK) -> Response:
    """The answer with the `ETag` of `of`."""
    return Response(shown, status=code, headers={"ETag": f'"{version(of)}"'})

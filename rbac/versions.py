"""Optimistic concurrency: a short hash of what a client has seen, sent as `ETag` and back as `If-Match`."""

import hashlib
import json
from collections.abc import Collection
from typing import Any

from rbac.errors import StaleVersion

ANY = "*"


def version(seen: Any) -> str:
    """16 hexadecimal digits over the canonical JSON of a role's document or a list of role ids."""
    canonical = json.dumps(seen, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def require(present: Any, seen: Collection[str]) -> None:
    """Raise `StaleVersion` unless `seen` is empty, or has `*` or the version of what is present.

    Called within the transaction that changes it, so nobody comes between the check and the change.
    """
    if seen and ANY not in seen and version(present) not in seen:
        raise StaleVersion

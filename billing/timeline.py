"""What the gate reads of billing: the organization's times as a few segments, in the row that it reads.

`[[ends_at, in_force, rate], …]`: seconds since the epoch (null: for ever), 1 or 0, and the organization's
own rate or "". A pure function of the layers, so a clock that jumps is no matter; written by every verb of
billing in its transaction.
"""

import json
from datetime import UTC, datetime

from billing import entitlements
from billing.entitlements import Layers
from tenants.models import Organization

# Before any instant that a row can hold.
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

Segment = tuple[float | None, int, str]


def write(organization_id: str) -> Layers:
    """Recompute the organization's timeline; the layers it is made of. Called with its row locked."""
    layers = entitlements.layers_of(organization_id)
    Organization.objects.filter(pk=organization_id).update(entitlement_timeline=render(layers))
    return layers


def render(layers: Layers) -> str:
    return json.dumps(segments(layers), separators=(",", ":"))


def segments(layers: Layers) -> list[Segment]:
    """The segments in order of time; neighbours that say the same are one."""
    instants = entitlements.instants(layers)
    starts = [BEGINNING, *instants]
    ends = [instant.timestamp() for instant in instants]
    found: list[Segment] = []
    for start, end in zip(starts, [*ends, None], strict=True):
        at_start = entitlements.effective(layers, at=start)
        segment = (end, int(at_start.in_force), _rate(at_start.limit("requests_per_minute")))
        if found and found[-1][1:] == segment[1:]:
            found.pop()
        found.append(segment)
    return found


def _rate(requests_per_minute: int | None) -> str:
    return f"{requests_per_minute}/minute" if requests_per_minute else ""

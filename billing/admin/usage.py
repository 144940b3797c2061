"""What an organization uses of the limits that its subscription sets."""

from collections.abc import Iterator

from django.conf import settings

from billing import entitlements
from pulse import limits
from pulse.problems import Unavailable
from tenants.admin import usage
from tenants.admin.usage import Use
from tenants.models import Organization


def uses(organization: Organization) -> Iterator[Use]:
    may = entitlements.for_organization(organization.id)
    yield Use.counted("Members", organization.memberships.count(), may.limit("seats"))
    tokens = organization.tokens.filter(revoked_at=None).count()
    yield Use.counted("API tokens", tokens, may.limit("tokens"))
    yield requests(organization, may.limit("requests_per_minute"))
    nodes = may.limit("nodes")
    yield Use("Nodes", "-", "no limit" if nodes is None else f"{nodes:,}", note="Counted by the product.")


def requests(organization: Organization, own: int | None) -> Use:
    """Of this minute; without Redis, as far as this process has seen them."""
    title = "Requests this minute"
    if organization.is_default:
        return Use(title, "-", "no limit")
    notation = limits.higher(f"{own}/minute" if own else "", settings.PULSE_TENANT_RATE)
    try:
        told = limits.headers(notation, "tenant", organization.id)
    except Unavailable:
        return Use(title, "-", str(limits.rate(notation).amount), note="Redis does not answer.")
    limit = int(told["X-RateLimit-Limit"])
    note = "" if settings.REDIS_URL else "As far as this process has seen them."
    return Use.counted(title, limit - int(told["X-RateLimit-Remaining"]), limit, note=note)


usage.sources.append(uses)

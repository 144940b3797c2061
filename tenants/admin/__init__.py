"""The operators' pages for organizations, people and their tokens; every change goes through a verb."""

from tenants.admin import (
    bulk_runs,
    entrance,
    finders,
    home,
    invitation_codes,
    organizations,
    people,
    sso,
    support_forms,
    timeline,
    tokens,
    usage,
)

__all__ = (
    "bulk_runs",
    "entrance",
    "finders",
    "home",
    "invitation_codes",
    "organizations",
    "people",
    "sso",
    "support_forms",
    "timeline",
    "tokens",
    "usage",
)

"""The operators' pages for organizations, people and their tokens; every change goes through a verb."""

from tenants.admin import entrance, invitation_codes, organizations, overview, people, tokens

__all__ = ("entrance", "invitation_codes", "organizations", "overview", "people", "tokens")

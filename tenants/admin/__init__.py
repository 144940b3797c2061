"""The operators' pages for organizations, people and their tokens; every change goes through a verb."""

from tenants.admin import entrance, finders, invitation_codes, organizations, overview, people, tokens

__all__ = ("entrance", "finders", "invitation_codes", "organizations", "overview", "people", "tokens")

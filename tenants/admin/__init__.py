"""The operators' pages for organizations, people and their tokens; every change goes through a verb."""

from tenants.admin import entrance, finders, home, invitation_codes, organizations, people, tokens

__all__ = ("entrance", "finders", "home", "invitation_codes", "organizations", "people", "tokens")

"""The operators' pages for organizations, people and their tokens; every change goes through a verb."""

from tenants.admin import organizations, overview, people, tokens

__all__ = ("organizations", "overview", "people", "tokens")

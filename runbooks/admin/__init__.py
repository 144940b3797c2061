"""The operators' pages of runbooks."""

from runbooks.admin import evidence, home, incidents, readiness, verdicts

__all__ = ("evidence", "home", "incidents", "readiness", "verdicts")

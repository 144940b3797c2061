"""The operators' pages of runbooks."""

from runbooks.admin import evidence, incidents, readiness, verdicts

__all__ = ("evidence", "incidents", "readiness", "verdicts")

"""The operators' pages of runbooks."""

from runbooks.admin import incidents

__all__ = ("incidents",)

"""The current organization: which tenant the code at hand works for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("organization", default=None)


class NoOrganization(RuntimeError):
    """A tenant's data was asked for outside any organization. A defect of the caller, never answered."""


def current() -> str:
    """The current organization's id. Raises `NoOrganization` without one."""
    organization_id = _current.get()
    if organization_id is None:
        raise NoOrganization("no organization is current: enter tenants.context.organization(id)")
    return organization_id


@contextmanager
def organization(organization_id: str) -> Iterator[None]:
    """Make the organization current within the block, in this thread or task and what it awaits."""
    token = _current.set(organization_id)
    try:
        yield
    finally:
        _current.reset(token)

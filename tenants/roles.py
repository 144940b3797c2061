"""What the verbs of tenants ask of the current organization's roles.

tenants does not know rbac; rbac puts its book here when its app is ready.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pulse.actors import Actor
from pulse.problems import Unavailable


class RoleBook(Protocol):
    """Of the current organization. Its refusals are rbac's."""

    def changing(self) -> AbstractContextManager[object]:
        """A write transaction on the organization's roles.

        Entered before one on the control database, as every change of roles does, so that no two wait for
        each other; it commits last.
        """

    def require(self, actor: Actor, action: str, resource: str) -> None:
        """Raise unless the roles of the actor allow it, if they are a person."""

    def check(self, roles: Iterable[str]) -> None:
        """Raise unless each of them exists."""

    def of(self, principal: str) -> list[str]:
        """The ids of the principal's roles, sorted."""

    def assign(self, principal: str, *, roles: Iterable[str], actor: Actor, verb: str) -> list[str]:
        """Give the principal exactly these, by the rules for whoever changes somebody's roles."""

    def withdraw(self, principal: str, *, actor: Actor) -> None:
        """Take all the roles of one who leaves. Refused where no admin would remain."""

    def note(self, verb: str, *, subject: str, actor: Actor, before: Any, after: Any) -> None:
        """Write it into the organization's own changelog, and into the audit log."""


_installed: list[RoleBook] = []


def install(book: RoleBook) -> None:
    _installed[:] = [book]


def book() -> RoleBook:
    if not _installed:
        raise Unavailable("No access policy is installed.")
    return _installed[0]

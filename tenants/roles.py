"""What the verbs of tenants ask of the current organization's roles.

tenants does not know rbac; rbac puts its book here when its app is ready.
"""

from collections.abc import Collection, Iterable
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

    def allows(self, principal: str, action: str, resource: str) -> bool:
        """For what is offered or not; a no is no refusal, and is not counted as one."""

    def names(self) -> dict[str, str]:
        """The roles that there are, the weightiest first: their names by id."""

    def check(self, roles: Iterable[str]) -> None:
        """Raise unless each of them exists."""

    def of(self, principal: str) -> list[str]:
        """The ids of the principal's roles, sorted."""

    def of_all(self, principals: Collection[str]) -> dict[str, list[str]]:
        """As `of`, for many at once; those without roles are not in it."""

    def assign(
        self, principal: str, *, roles: Iterable[str], actor: Actor, verb: str, seen: Collection[str] = ()
    ) -> list[str]:
        """Give the principal exactly these, by the rules for whoever changes somebody's roles.

        Refused where the version of what they have is not among those `seen`.
        """

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

"""Roles as the verbs of tenants ask for them: of members who join, leave, or are signed in by an issuer."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from pulse.actors import Actor
from rbac import access, assignments, changelog, databases
from tenants import context


class Book:
    """`tenants.roles.RoleBook`, of the current organization."""

    def changing(self) -> AbstractContextManager[object]:
        return databases.writing(context.current())

    def require(self, actor: Actor, action: str, resource: str) -> None:
        if actor.kind == "user":
            access.require(actor.name, action, resource)

    def check(self, roles: Iterable[str]) -> None:
        assignments.check_known(set(roles))

    def of(self, principal: str) -> list[str]:
        return assignments.of_principal(principal)

    def assign(self, principal: str, *, roles: Iterable[str], actor: Actor, verb: str) -> list[str]:
        return assignments.assign(principal, roles=roles, actor=actor, verb=verb)

    def withdraw(self, principal: str, *, actor: Actor) -> None:
        assignments.withdraw(principal, actor=actor)

    def note(self, verb: str, *, subject: str, actor: Actor, before: Any, after: Any) -> None:
        with self.changing():
            changelog.note(verb, subject=subject, actor=actor, before=before, after=after)

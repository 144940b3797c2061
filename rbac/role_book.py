"""Roles as the verbs of tenants ask for them: of members who join, leave, or are signed in by an issuer."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from typing import Any

from pulse.actors import Actor
from rbac import access, assignments, changelog, databases
from rbac.models import Assignment, Role
from tenants import context


class Book:
    """`tenants.roles.RoleBook`, of the current organization."""

    def changing(self) -> AbstractContextManager[object]:
        return databases.writing(context.current())

    def require(self, actor: Actor, action: str, resource: str) -> None:
        if actor.kind == "user":
            access.require(actor.name, action, resource)

    def allows(self, principal: str, action: str, resource: str) -> bool:
        with databases.using(context.current()) as opened:
            return access.current_policy(opened).decide(principal, action, resource).allowed

    def names(self) -> dict[str, str]:
        return dict(Role.objects.values_list("id", "name"))

    def check(self, roles: Iterable[str]) -> None:
        assignments.check_known(set(roles))

    def of(self, principal: str) -> list[str]:
        return assignments.of_principal(principal)

    def of_all(self, principals: Collection[str]) -> dict[str, list[str]]:
        found = Assignment.objects.filter(principal_id__in=principals).order_by("role_id")
        held: dict[str, list[str]] = defaultdict(list)
        for principal, role in found.values_list("principal_id", "role_id"):
            held[principal].append(role)
        return held

    def assign(
        self, principal: str, *, roles: Iterable[str], actor: Actor, verb: str, seen: Collection[str] = ()
    ) -> list[str]:
        return assignments.assign(principal, roles=roles, actor=actor, verb=verb, seen=seen)

    def withdraw(self, principal: str, *, actor: Actor) -> None:
        assignments.withdraw(principal, actor=actor)

    def note(self, verb: str, *, subject: str, actor: Actor, before: Any, after: Any) -> None:
        with self.changing():
            changelog.note(verb, subject=subject, actor=actor, before=before, after=after)

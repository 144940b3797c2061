"""Who does something, and through which door: what every verb is told and the audit log keeps."""

import os
import pwd
from dataclasses import dataclass, replace
from typing import Literal

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import HttpRequest

from pulse import recent
from pulse.problems import PermissionRefused, ReauthenticationRequired

Door = Literal["admin", "api", "page", "command", "job"]


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` is a user's public UUID, a job's name, the operating-system user, or for a stranger `anonymous`
    or what they do, such as `sign-up`: never an e-mail address.

    `as_member` is true for whoever acts within an organization as one of its people, even an operator:
    their Django permissions, which are operators', do not count there.
    `recent` is false for a session whose person has not proved lately who they are (`pulse.recent`).
    A person is held to their Django permissions. Jobs, and whoever may run `manage.py` on the machine
    (and so read its secret key), are not.
    """

    kind: Literal["user", "system", "shell", "anonymous"]
    name: str
    door: Door
    user: AbstractBaseUser | None = None
    request_id: str = ""
    recent: bool = True
    as_member: bool = False

    def may(self, permission: str) -> bool:
        if self.as_member:
            return False
        if isinstance(self.user, PermissionsMixin):
            return self.user.has_perm(permission)
        return self.kind in ("system", "shell")

    def require(self, permission: str) -> None:
        """Raise `PermissionRefused` unless the actor holds the Django permission `app.codename`."""
        if not self.may(permission):
            raise PermissionRefused(f"This takes the permission {permission}.")

    def require_recent(self) -> None:
        """Raise `ReauthenticationRequired` where a session's person has not proved lately who they are."""
        if not self.recent:
            raise ReauthenticationRequired


def from_request(request: HttpRequest, *, door: Door) -> Actor:
    user: AbstractBaseUser | AnonymousUser = request.user
    request_id = request.META.get("pulse.request_id", "")
    if isinstance(user, AnonymousUser):
        return Actor(kind="anonymous", name="anonymous", door=door, request_id=request_id)
    actor = from_user(user, door=door, request_id=request_id)
    return replace(actor, recent=recent.holds(request))


def from_user(user: AbstractBaseUser, *, door: Door, request_id: str = "") -> Actor:
    name = str(getattr(user, "public_id", user.pk))
    return Actor(kind="user", name=name, door=door, user=user, request_id=request_id)


def from_shell() -> Actor:
    """The operating-system user who runs a command without `--actor`; the environment has no say in it."""
    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:  # In a container, a user may have a number alone.
        name = str(user)
    return Actor(kind="shell", name=f"os:{name}", door="command")


def from_job(name: str) -> Actor:
    return Actor(kind="system", name=f"job:{name}", door="job")

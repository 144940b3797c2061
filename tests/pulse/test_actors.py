"""Who did it: a name that is never an e-mail address, and what each kind may do."""

import os
import pwd

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from pulse import actors
from pulse.problems import PermissionRefused
from tests.factories import UserFactory, make_operator

VIEW, PURGE = "tenants.view_organization", "tenants.purge_organization"


def test_the_shell_is_named_for_the_operating_systems_user() -> None:
    actor = actors.from_shell()
    assert actor.name == f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    assert (actor.kind, actor.door) == ("shell", "command")


@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_the_environment_cannot_rename_the_shell(monkeypatch, variable: str) -> None:
    monkeypatch.setenv(variable, "somebody-else")
    assert "somebody-else" not in actors.from_shell().name


def test_a_user_without_a_name_is_known_by_number() -> None:
    """As in a container that runs under any number."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.setuid(54321)
        os.write(writing, actors.from_shell().name.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert told.read() == "os:54321"


def test_the_shell_and_jobs_may_do_everything() -> None:
    assert actors.from_shell().may(PURGE)
    assert actors.from_job("reap").may(PURGE)
    assert actors.from_job("reap").name == "job:reap"


def test_nobody_may_do_nothing() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    actor = actors.from_request(request, door="api")
    assert (actor.kind, actor.name) == ("anonymous", "anonymous")
    with pytest.raises(PermissionRefused, match=VIEW):
        actor.require(VIEW)


@pytest.mark.usefixtures("database")
def test_a_person_is_named_by_public_id() -> None:
    user = UserFactory()
    request = RequestFactory().get("/")
    request.user, request.session = user, {}
    request.META["pulse.request_id"] = "mine"
    actor = actors.from_request(request, door="admin")
    assert (actor.kind, actor.name, actor.door) == ("user", str(user.public_id), "admin")
    assert actor.request_id == "mine"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("group", "may_view", "may_purge"),
    [("support", True, False), ("operator", True, False), ("admin", True, True)],
)
def test_a_person_is_held_to_their_groups(group: str, may_view: bool, may_purge: bool) -> None:
    actor = actors.from_user(make_operator(group), door="api")
    assert (actor.may(VIEW), actor.may(PURGE)) == (may_view, may_purge)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("rights", [{}, {"is_superuser": True}])
def test_a_person_who_was_deactivated_may_do_nothing(rights: dict[str, bool]) -> None:
    operator = make_operator("admin")
    operator.is_active = False
    for name, value in rights.items():
        setattr(operator, name, value)
    operator.save()
    assert not actors.from_user(operator, door="api").may(VIEW)

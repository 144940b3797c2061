"""Optimistic concurrency: the `ETag` that was read lets a change through, anything else is refused."""

from typing import Any

import pytest

from pulse import versions
from tests.api import Caller, code
from tests.factories import make_organization
from tests.rbac.callers import allow, owner, role_body

pytestmark = pytest.mark.usefixtures("database")

ROLES = "/api/org/roles"
DEPLOYER = f"{ROLES}/deployer"


@pytest.fixture
def admin(database: None) -> Caller:
    """The owner of acme."""
    make_organization("acme")
    return owner()


def shown(caller: Caller, role_id: str = "deployer") -> dict[str, Any]:
    return caller.get(f"{ROLES}/{role_id}").json()


def etag(caller: Caller, path: str = DEPLOYER) -> str:
    return caller.get(path)["ETag"]


def test_the_version_that_was_read_lets_a_change_through(admin: Caller) -> None:
    made = admin.post(ROLES, role_body())
    assert made["ETag"] == etag(admin)
    changed = admin.put(DEPLOYER, role_body(name="Second"), if_match=made["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] == etag(admin) != made["ETag"]
    assert admin.delete(DEPLOYER, if_match=changed["ETag"]).status_code == 204


def test_a_version_that_is_stale_is_refused_and_nothing_is_lost(admin: Caller) -> None:
    read = admin.post(ROLES, role_body())["ETag"]
    admin.put(DEPLOYER, role_body(name="Somebody else's"))
    assert code(admin.put(DEPLOYER, role_body(name="Mine"), if_match=read)) == (412, "stale_version")
    assert code(admin.delete(DEPLOYER, if_match=read)) == (412, "stale_version")
    assert shown(admin)["name"] == "Somebody else's"


@pytest.mark.parametrize("pattern", ["*", "{0}", '"other", {0}', '{0},"other"', " {0} "])
def test_if_match_takes_a_star_and_lists(admin: Caller, pattern: str) -> None:
    read = admin.post(ROLES, role_body())["ETag"]
    assert admin.put(DEPLOYER, role_body(), if_match=pattern.format(read)).status_code == 200


@pytest.mark.parametrize(
    "header", ['"other"', '"a", "b"', "unquoted", "W/{0}", "", '""', '"', '"*"', ",", "\x7f"]
)
def test_if_match_of_anything_else_is_stale_and_never_ignored(admin: Caller, header: str) -> None:
    read = admin.post(ROLES, role_body())["ETag"]
    answer = admin.put(DEPLOYER, role_body(name="Mine"), if_match=header.format(read))
    assert code(answer) == (412, "stale_version")


def test_every_part_of_a_role_makes_another_version(admin: Caller) -> None:
    base = role_body(parent="viewer")
    variants = [
        base, base | {"name": "X"}, base | {"description": "X"}, base | {"parent": None},
        base | {"priority": 1},
        base | {"permissions": []}, base | {"permissions": [allow("write", "vms", own=True)]},
        base | {"permissions": [allow("write", "vms") | {"effect": "deny"}]},
    ]  # fmt: skip
    admin.post(ROLES, base)
    assert len({admin.put(DEPLOYER, one)["ETag"] for one in variants}) == len(variants)


def test_a_version_does_not_depend_on_the_order_of_members() -> None:
    assert versions.version({"a": 1, "b": {"c": 2, "d": 3}}) == versions.version(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )

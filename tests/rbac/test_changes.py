"""The changelog: each change of roles once, with before and after, in the tenant's file and the audit log."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from pulse import audit
from pulse.models import AuditEvent
from rbac import databases
from rbac.models import Change
from tenants import context
from tests.api import Caller, code
from tests.factories import make_organization, owner_of
from tests.rbac.callers import allow, assign, make_role, member, owner, role_body

pytestmark = pytest.mark.usefixtures("database")

CHANGES = "/api/org/changes"
ROLES = "/api/org/roles"
BOB = "/api/org/users/bob/roles"


@pytest.fixture
def admin(database: None) -> Caller:
    """The owner of acme."""
    make_organization("acme")
    return owner()


def changes(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    return caller.get(CHANGES + query).json()["results"]


def make_deployer(admin: Caller) -> None:
    admin.post(ROLES, role_body())


DEPLOYER = role_body(description="", parent=None, priority=0, built_in=False)
RENAMED = DEPLOYER | {"name": "Second"}
MUTATIONS = {
    "roles.create": (lambda admin: admin.post(ROLES, role_body()), "deployer", None, DEPLOYER),
    "roles.change": (
        lambda admin: admin.put(f"{ROLES}/deployer", role_body(name="Second")), "deployer", DEPLOYER, RENAMED,
    ),
    "roles.delete": (lambda admin: admin.delete(f"{ROLES}/deployer"), "deployer", DEPLOYER, None),
    "roles.assign": (lambda admin: admin.put(BOB, {"roles": ["viewer"]}), "bob", [], ["viewer"]),
}  # fmt: skip


@pytest.mark.parametrize("verb", MUTATIONS)
def test_each_mutation_is_one_change_and_one_audit_event(admin: Caller, verb: str) -> None:
    mutate, subject, before, after = MUTATIONS[verb]
    if verb in ("roles.change", "roles.delete"):
        make_deployer(admin)
    known, audited = len(changes(admin)), AuditEvent.objects.count()
    mutate(admin)
    newest, *others = changes(admin)
    assert len(others) == known
    mine = str(owner_of("acme").public_id)
    assert (newest["verb"], newest["subject"], newest["actor"]) == (verb, subject, mine)
    assert (newest["before"], newest["after"]) == (before, after)
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert AuditEvent.objects.count() == audited + 1
    assert (event.verb, event.organization, event.actor, event.door) == (verb, "acme", mine, "api")
    assert event.before == {"subject": subject, "value": before}
    assert event.after == {"subject": subject, "value": after}
    assert audit.verify() is None


def test_a_copy_is_recorded_as_the_role_that_was_made(admin: Caller) -> None:
    admin.post(f"{ROLES}/viewer/copy", {"id": "looker", "name": "Looker"})
    newest = changes(admin)[0]
    assert (newest["verb"], newest["subject"]) == ("roles.create", "looker")
    assert newest["after"]["permissions"] == [allow("read", "*")]


UNCHANGING = {
    "a role put as it is": lambda admin: admin.put(f"{ROLES}/deployer", role_body()),
    "a list put as it is": lambda admin: admin.put(BOB, {"roles": ["auditor"]}),
    "an unknown role": lambda admin: admin.put(BOB, {"roles": ["none"]}),
    "a role that exists": lambda admin: admin.post(ROLES, role_body()),
    "a built-in role": lambda admin: admin.delete(f"{ROLES}/viewer"),
    "a cycle": lambda admin: admin.put(f"{ROLES}/deployer", role_body(parent="deployer")),
    "a stale version": lambda admin: admin.put(BOB, {"roles": []}, if_match='"old"'),
    "a malformed role": lambda admin: admin.post(ROLES, role_body(id="A")),
}


@pytest.mark.parametrize("mutate", UNCHANGING.values(), ids=UNCHANGING.keys())
def test_what_changes_nothing_is_not_recorded(admin: Caller, mutate: Any) -> None:
    make_deployer(admin)
    assign("bob", "auditor")
    before, audited = changes(admin), AuditEvent.objects.count()
    mutate(admin)
    assert (changes(admin), AuditEvent.objects.count()) == (before, audited)


def test_a_new_tenants_changelog_begins_with_its_owner(admin: Caller) -> None:
    [first] = changes(admin)
    assert (first["verb"], first["actor"], first["before"], first["after"]) == (
        "roles.assign", "job:provision", [], ["admin"],
    )  # fmt: skip
    assert first["subject"] == str(owner_of("acme").public_id)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE rbac_change SET actor = 'x'", "UPDATE rbac_change SET at = at", "DELETE FROM rbac_change",
     "DELETE FROM rbac_change WHERE id = 1",
     "INSERT OR REPLACE INTO rbac_change (id, at, actor, verb, subject) VALUES (1, 'x', 'x', 'x', 'x')"],
)  # fmt: skip
def test_the_file_refuses_to_change_or_delete_a_change(admin: Caller, statement: str) -> None:
    before = changes(admin)
    with (
        closing(sqlite3.connect(databases.file_of("acme"))) as raw,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        raw.execute(statement)
    assert changes(admin) == before


def test_the_orm_is_refused_too(admin: Caller) -> None:
    with context.organization("acme"):
        with pytest.raises(Exception, match="append-only"):
            Change.objects.update(actor="x")
        with pytest.raises(Exception, match="append-only"):
            Change.objects.all().delete()
        assert Change.objects.count() == 1


def test_the_api_has_no_way_to_change_it(admin: Caller) -> None:
    for method in ("post", "put", "patch", "delete"):
        assert code(getattr(admin, method)(CHANGES)) == (405, "method_not_allowed")


FILTERS = [
    ("?verb=roles.create", ["deployer"]),
    ("?subject=bob", ["bob", "bob"]),
    ("?actor=job:test", ["bob"]),
    ("?subject=bob&actor=job:test", ["bob"]),
    ("?verb=none", []),
    ("?ordering=id&subject=bob&page_size=1&page=2", ["bob"]),
    ("?after=2999-01-01T00:00:00Z", []),
    ("?before=2000-01-01T00:00:00Z", []),
    ("?after=2000-01-01T00:00:00Z&before=2999-01-01T00:00:00Z&verb=roles.create", ["deployer"]),
]


@pytest.mark.parametrize(("query", "subjects"), FILTERS)
def test_changes_are_filtered_ordered_and_paged(admin: Caller, query: str, subjects: list[str]) -> None:
    make_deployer(admin)
    assign("bob", "auditor")
    admin.put(BOB, {"roles": ["viewer"]})
    assert [one["subject"] for one in changes(admin, query)] == subjects


@pytest.mark.parametrize("query", ["?after=yesterday", "?before=x", "?page=0"])
def test_a_filter_that_is_not_an_instant_is_told(admin: Caller, query: str) -> None:
    assert admin.get(CHANGES + query).status_code in (400, 404)


def test_changes_are_for_those_who_may_read_the_audit_log(admin: Caller) -> None:
    make_role("deployer", ("read", "roles"))
    for role, status in {"auditor": 200, "viewer": 200, "deployer": 403}.items():
        theirs, _ = member(role)
        assert theirs.get(CHANGES).status_code == status


def test_another_organizations_changes_are_not_shown(admin: Caller) -> None:
    make_organization("bolt")
    assign("bob", "viewer", organization_id="bolt")
    assert [one["subject"] for one in changes(admin)] == [str(owner_of("acme").public_id)]

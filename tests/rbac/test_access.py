"""Decisions are never stale, whoever wrote: another connection, another process, or the same one."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import pytest
from django.db import transaction
from django.test import Client

from rbac import access, assignments, databases
from rbac.models import Assignment, Permission, Principal
from tenants import context
from tests.api import Caller, code
from tests.factories import SYSTEM, make_member, make_organization, member_token
from tests.rbac.files import in_a_thread, make_tenants

pytestmark = pytest.mark.usefixtures("database")

GIVE = "INSERT INTO rbac_principal VALUES ('x', ''); " + (
    "INSERT INTO rbac_assignment (principal_id, role_id) VALUES ('x', 'viewer')"
)
REVOKE = "DELETE FROM rbac_assignment WHERE principal_id = 'x'"


def may_x(action: str = "read") -> bool:
    with context.organization("acme"):
        return access.check("x", action, "nodes")


def run_script(statements: str) -> None:
    with closing(sqlite3.connect(databases.file_of("acme"))) as raw:
        raw.executescript(statements)


def by_another_connection(statements: str) -> None:
    in_a_thread(lambda: run_script(statements))


def by_another_process(statements: str) -> None:
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])"
    subprocess.run([sys.executable, "-c", program, databases.file_of("acme"), statements], check=True)


def by_the_own_connection(statements: str) -> None:
    with databases.using("acme") as opened:
        for statement in statements.split("; "):
            opened.raw.execute(statement)


def by_the_orm(statements: str) -> None:
    with context.organization("acme"):
        if statements == GIVE:
            Assignment.objects.create(principal=Principal.objects.create(id="x"), role_id="viewer")
        else:
            Assignment.objects.filter(principal="x").delete()


WRITERS = [by_another_connection, by_another_process, by_the_own_connection, by_the_orm]


@pytest.mark.parametrize("write", WRITERS, ids=[write.__name__ for write in WRITERS])
def test_a_change_holds_at_the_very_next_check(write: Callable[[str], None]) -> None:
    make_tenants("acme")
    assert not may_x()
    write(GIVE)
    assert may_x()
    write(REVOKE)
    assert not may_x()


def test_every_thread_sees_the_change_at_its_next_check() -> None:
    make_tenants("acme")
    by_the_orm(GIVE)
    assert may_x()
    assert in_a_thread(may_x)
    in_a_thread(lambda: by_the_orm(REVOKE))
    assert not may_x()


def test_a_transactions_own_writes_count_within_it_and_not_once_it_is_rolled_back() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        with transaction.atomic(using="rbac_acme"):
            by_the_orm(GIVE)
            assert may_x()
            transaction.set_rollback(True, using="rbac_acme")
        assert not may_x()


def test_what_another_has_not_committed_does_not_count() -> None:
    make_tenants("acme")
    assert not may_x()
    with closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        for statement in GIVE.split("; "):
            raw.execute(statement)
        assert not may_x()
        raw.execute("COMMIT")
        assert may_x()


def test_an_unchanged_policy_is_not_read_again() -> None:
    make_tenants("acme")
    may_x()
    statements: list[str] = []
    with databases.using("acme") as opened:
        opened.raw.set_trace_callback(statements.append)
        may_x()
        opened.raw.set_trace_callback(None)
    assert statements == ["PRAGMA data_version"]


def test_one_tenants_change_leaves_anothers_decisions_alone() -> None:
    make_tenants("acme", "bolt")
    by_the_orm(GIVE)
    with context.organization("bolt"):
        assert not access.check("x", "read", "nodes")
    assert may_x()


def test_a_check_outside_any_organization_is_a_defect_not_an_answer() -> None:
    make_tenants("acme")
    with pytest.raises(context.NoOrganization):
        access.check("x", "read", "nodes")


def test_a_deny_that_is_added_beats_the_allow_at_the_next_check() -> None:
    make_tenants("acme")
    by_the_orm(GIVE)
    assert may_x()
    with context.organization("acme"):
        Permission.objects.create(role_id="viewer", action="read", resource="nodes", effect="deny")
    assert not may_x()


def test_a_member_whose_role_is_revoked_is_refused_by_the_next_request() -> None:
    make_organization("acme")
    member = make_member("acme", roles=["viewer"])
    caller = Caller(Client(), member_token("acme", member))
    assert caller.get("/api/org/members").status_code == 200
    with context.organization("acme"):
        assignments.assign(str(member.public_id), roles=[], actor=SYSTEM)
    assert code(caller.get("/api/org/members")) == (403, "permission_denied")

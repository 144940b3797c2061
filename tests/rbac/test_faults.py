"""Killed, out of disk, or with its file taken away: never a wrong answer, never half a change."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from pulse import audit, faults
from pulse.models import AuditEvent
from rbac import assignments, backups, databases, integrity, restoring, template
from tenants import context
from tests.api import Caller, code
from tests.children import begun, child, killed_at
from tests.factories import SYSTEM, make_organization
from tests.processes import wait_for
from tests.rbac import disks, works
from tests.rbac.callers import allow, assign, make_role, owner, role_body

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")
    assign("bob", "viewer")
    databases.close_all()


def read(statement: str) -> list[Any]:
    with closing(sqlite3.connect(databases.file_of("acme"), timeout=10)) as raw:
        return [row[0] for row in raw.execute(statement)]


def custom_roles() -> list[str]:
    return read("SELECT id FROM rbac_role WHERE NOT built_in ORDER BY id")


def check_that_all_agree() -> None:
    """The database is whole, and its roles, its changelog and the audit log tell the same."""
    assert integrity.verify("acme") == []
    roles = custom_roles()
    assert roles == read("SELECT subject FROM rbac_change WHERE verb = 'roles.create' ORDER BY subject")
    assert read("SELECT count(*) FROM rbac_permission WHERE role_id LIKE 'role-%'") == [2 * len(roles)]
    assert audit.verify() is None
    events = AuditEvent.objects.filter(organization="acme", verb="roles.create")
    audited = {event.before["subject"] for event in events}
    # What the tenant's database did not keep is at most the attempt that was cut off.
    assert set(roles) <= audited
    assert len(audited - set(roles)) <= 1


@pytest.mark.parametrize("point", ["change.written", "change.audited"])
def test_killed_in_the_middle_of_a_hundred_role_writes_all_agree(point: str) -> None:
    killed_at(point, works.write_roles, times=50)
    assert len(custom_roles()) == 49
    check_that_all_agree()
    make_role("role-after", ("read", "a"), ("read", "b"))
    check_that_all_agree_but_for("role-49")


def check_that_all_agree_but_for(cut_off: str) -> None:
    assert "role-after" in custom_roles()
    assert cut_off not in custom_roles()
    assert audit.verify() is None


def test_killed_at_any_moment_of_a_hundred_role_writes_all_agree() -> None:
    process = begun(works.write_roles)
    wait_for(lambda: len(custom_roles()) > 20, what="twenty roles")
    process.kill()
    process.join()
    assert 20 < len(custom_roles()) < 100
    check_that_all_agree()


def test_a_write_that_fails_half_way_leaves_nothing_of_itself() -> None:
    caller = owner()
    faults.arm("change.audited", disks.no_space)
    with pytest.raises(OSError, match="No space"):
        caller.post("/api/org/roles", role_body(id="role-x"))
    faults.disarm()
    assert custom_roles() == []
    assert caller.post("/api/org/roles", role_body()).status_code == 201


def test_a_disk_that_is_full_in_a_write_refuses_it_whole_and_lets_reads_go_on() -> None:
    caller = owner()
    large = [allow("read", f"{'x' * 200}:{number}") for number in range(200)]
    assert caller.get("/api/org/roles").status_code == 200
    with databases.using("acme") as opened:
        [pages] = opened.raw.execute("PRAGMA page_count").fetchone()
        opened.raw.execute(f"PRAGMA max_page_count = {pages}")
        answer = caller.post("/api/org/roles", role_body(permissions=large))
        assert code(answer) == (503, "tenant_database_unavailable")
        assert caller.get("/api/org/roles?built_in=false").json()["count"] == 0
        opened.raw.execute("PRAGMA max_page_count = 1000000")
    assert caller.post("/api/org/roles", role_body(permissions=large)).status_code == 201
    assert integrity.verify("acme") == []
    assert audit.verify() is None


UNAVAILABLE = "tenant_database_unavailable"


def deleted(file: Path) -> None:
    file.unlink()


def deleted_with_its_folder(file: Path) -> None:
    shutil.rmtree(file.parent)


def moved_away(file: Path) -> None:
    file.rename(file.with_name("away.db"))


def junk_by_that_name(file: Path) -> None:
    other = file.with_name("other.db")
    other.write_text("junk " * 1000)
    other.rename(file)


@pytest.mark.parametrize(
    "taken", [deleted, deleted_with_its_folder, moved_away, junk_by_that_name], ids=lambda one: one.__name__
)
def test_a_file_taken_from_under_a_running_process_is_refused_at_its_next_request(
    operator: Caller, taken: Callable[[Path], None]
) -> None:
    backup = backups.make("acme", actor=SYSTEM)
    with child() as process:
        assert process.ask(works.check, "bob") is True
        taken(databases.file_of("acme"))
        assert process.ask(works.check, "bob") == UNAVAILABLE
        assert process.ask(works.assign, "bob", []) == UNAVAILABLE
        restoring.restore("acme", backup.name, actor=SYSTEM)
        assert process.ask(works.check, "bob") is True
        assert process.ask(works.assign, "bob", []) == []


def test_a_file_replaced_under_a_running_process_is_read_at_its_next_request() -> None:
    template.create("other", admin="eve")
    with child() as process:
        assert process.ask(works.check, "eve") is False
        databases.file_of("other").rename(databases.file_of("acme"))
        assert process.ask(works.check, "eve") is True
        assert process.ask(works.check, "bob") is False


@pytest.mark.parametrize("kept", [0, 100, 4096, 8192])
def test_a_file_truncated_under_a_running_process_never_gives_a_wrong_answer(kept: int) -> None:
    backup = backups.make("acme", actor=SYSTEM)
    with child() as process:
        assert [process.ask(works.check, user) for user in ("bob", "eve")] == [True, False]
        os.truncate(databases.file_of("acme"), kept)
        # What it has read stays right; what it has not is refused.
        assert process.ask(works.check, "bob") in (True, UNAVAILABLE)
        assert process.ask(works.check, "eve") in (False, UNAVAILABLE)
        assert integrity.verify("acme") != []
        restoring.restore("acme", backup.name, actor=SYSTEM)
        assert process.ask(works.check, "bob") is True
        assert process.ask(works.assign, "bob", ["auditor"]) == ["auditor"]
    assert integrity.verify("acme") == []


def test_a_lock_is_waited_for_as_long_as_the_setting_says_in_every_process(settings) -> None:
    settings.PULSE_RBAC_BUSY_SECONDS = 0.2
    with (
        child() as process,
        closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert process.ask(works.assign, "bob", []) == "tenant_busy"
        assert process.ask(works.check, "bob") is True
        other.execute("ROLLBACK")
        assert process.ask(works.assign, "bob", []) == []


def test_an_open_transaction_of_a_process_that_was_killed_is_taken_back() -> None:
    with context.organization("acme"), transaction.atomic(using="rbac_acme"):
        assignments.assign("carol", roles=["viewer"], actor=SYSTEM)
        # A crash leaves the file as it is on the disk at this moment.
        copy = databases.file_of("acme").with_name("copy.db")
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{databases.file_of('acme')}{suffix}", f"{copy}{suffix}")
        transaction.set_rollback(True, using="rbac_acme")
    with closing(sqlite3.connect(copy)) as raw:
        assert raw.execute(
            "SELECT count(*) FROM rbac_assignment WHERE principal_id = 'carol'"
        ).fetchone() == (0,)

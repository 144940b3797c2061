"""New tenants' databases: a template built once, cloned aside, renamed into place, removed out of reach."""

import errno
import shutil
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from pulse import faults
from rbac import databases, integrity, schema, template
from rbac.built_in import BUILT_IN
from rbac.models import Assignment, Change, Permission, Principal, Role
from tenants import context
from tests.rbac.files import descriptors, make_tenants

pytestmark = pytest.mark.usefixtures("database")


def entries() -> set[str]:
    return {entry.name for entry in databases.folder().iterdir()}


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as raw:
        return raw.execute("PRAGMA user_version").fetchone()[0]


def forget_the_template() -> None:
    shutil.rmtree(template._template_file().parent, ignore_errors=True)


def test_a_new_database_has_the_built_in_roles_and_their_rules() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        assert set(Role.objects.filter(built_in=True).values_list("id", flat=True)) == set(BUILT_IN)
        rules = {(rule.role_id, rule.action, rule.resource) for rule in Permission.objects.all()}
    assert rules == {(role, *rule) for role, (*_, found) in BUILT_IN.items() for rule in found}


def test_a_new_database_has_its_admin_and_a_line_in_its_changelog() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        assert [(one.principal_id, one.role_id) for one in Assignment.objects.all()] == [
            ("acme-admin", "admin")
        ]
        change = Change.objects.get()
    assert (change.verb, change.subject, change.before, change.after) == (
        "roles.assign", "acme-admin", [], ["admin"],
    )  # fmt: skip


def test_a_database_without_an_admin_has_no_principal() -> None:
    template.create("default", admin=None)
    with context.organization("default"):
        assert not Principal.objects.exists()
        assert not Change.objects.exists()


def test_a_new_database_verifies_clean_and_has_the_current_schema() -> None:
    make_tenants("acme")
    assert integrity.verify("acme") == []
    assert version_of(databases.file_of("acme")) == schema.current()


def test_a_new_database_is_one_file_that_no_connection_has_to_complete() -> None:
    make_tenants("acme")
    assert [entry.name for entry in databases.file_of("acme").parent.iterdir()] == ["rbac.db"]


def test_a_new_tenants_folder_is_its_owners_alone() -> None:
    make_tenants("acme")
    mode = databases.file_of("acme").parent.stat().st_mode
    assert stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO) == 0


def test_creating_leaves_nothing_but_the_tenant_and_the_template() -> None:
    forget_the_template()
    make_tenants("acme")
    assert entries() == {"acme", f".template-{schema.current()}"}


def test_the_template_is_built_once() -> None:
    forget_the_template()
    first = template.ensure().stat().st_ino
    make_tenants("acme")
    assert template.ensure().stat().st_ino == first


def test_two_that_build_the_template_at_once_both_get_a_whole_one() -> None:
    forget_the_template()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: make_tenants(name), ["a", "b", "c", "d"]))
    assert [integrity.verify(name) for name in "abcd"] == [[]] * 4
    assert entries() == {"a", "b", "c", "d", f".template-{schema.current()}"}


def test_tenants_do_not_share_their_file() -> None:
    make_tenants("acme", "bolt")
    with context.organization("acme"):
        Principal.objects.create(id="ours")
    with context.organization("bolt"):
        assert not Principal.objects.filter(id="ours").exists()


def test_a_leftover_in_the_place_of_a_new_tenant_is_discarded() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        Principal.objects.create(id="from-before")
    make_tenants("acme")
    with context.organization("acme"):
        assert not Principal.objects.filter(id="from-before").exists()
    assert entries() == {"acme", f".template-{schema.current()}"}


@pytest.mark.parametrize("point", ["template.folder", "template.migrated", "template.synced"])
def test_a_template_that_cannot_be_built_leaves_no_file_and_no_connection(point: str, data_dir: Path) -> None:
    forget_the_template()
    faults.arm(point, lambda: fail(errno.ENOSPC))
    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            make_tenants("acme")
    assert not [name for name in entries() if name.startswith((".build", ".new", "acme"))]
    assert descriptors(data_dir) == []


def fail(number: int) -> None:
    raise OSError(number, "No space left on device")


def test_a_place_that_cannot_be_taken_is_told_and_nothing_is_left_beside_it() -> None:
    template.ensure()
    (databases.folder() / "acme").symlink_to("nowhere")
    with pytest.raises(OSError, match="acme"):
        make_tenants("acme")
    assert not [name for name in entries() if name.startswith(".new")]


def test_discarding_removes_the_folder_and_closes_the_connection(data_dir: Path) -> None:
    make_tenants("acme")
    databases.open_database("acme")
    template.discard("acme")
    assert "acme" not in databases.opened_here()
    assert descriptors(data_dir) == []
    assert entries() == {f".template-{schema.current()}"}


def test_discarding_what_is_not_there_changes_nothing() -> None:
    make_tenants("acme")
    template.discard("bolt")
    assert entries() == {"acme", f".template-{schema.current()}"}

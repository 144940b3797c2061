"""A tenant's file that cannot be used: that tenant is told so with 503, counted, and all others go on."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client

from rbac import databases, integrity
from rbac.errors import TenantBusy, TenantDatabaseUnavailable
from rbac.models import Change, Principal
from tenants import context
from tests.api import Caller, code
from tests.factories import make_organization, member_token
from tests.rbac.files import descriptors
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

UNUSABLE = "pulse_rbac_unusable_databases_total"
PAGE = 4096


def missing(file: Path) -> None:
    file.unlink()


def missing_folder(file: Path) -> None:
    shutil.rmtree(file.parent)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def truncated_within_the_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:50])


def truncated_after_the_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: 2 * PAGE])


def overwritten_after_the_first_page(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:PAGE] + b"\xff" * (len(content) - PAGE))


def not_sqlite(file: Path) -> None:
    file.write_text("Nothing that SQLite would know. " * 1000)


def a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_link_to_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def without_tables(file: Path) -> None:
    version = version_of(file)
    file.unlink()
    with closing(sqlite3.connect(file)) as raw:
        raw.execute(f"PRAGMA user_version = {version}")


def of_an_older_schema(file: Path) -> None:
    set_version(file, version_of(file) - 1)


def of_a_newer_schema(file: Path) -> None:
    set_version(file, version_of(file) + 1)


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as raw:
        return raw.execute("PRAGMA user_version").fetchone()[0]


def set_version(file: Path, version: int) -> None:
    with closing(sqlite3.connect(file)) as raw:
        raw.execute(f"PRAGMA user_version = {version}")


UNAVAILABLE = [
    missing,
    missing_folder,
    empty,
    truncated_within_the_header,
    truncated_after_the_header,
    overwritten_after_the_first_page,
    not_sqlite,
    a_directory,
    a_link_to_itself,
    without_tables,
]
BREAKS = [(breaks, "tenant_database_unavailable") for breaks in UNAVAILABLE] + [
    (of_an_older_schema, "tenant_migrating"),
    (of_a_newer_schema, "tenant_migrating"),
]
each_break = pytest.mark.parametrize(
    ("breaks", "expected"), BREAKS, ids=[breaks.__name__ for breaks, _ in BREAKS]
)


@pytest.fixture
def acme() -> Caller:
    return caller_of("acme")


def caller_of(organization_id: str) -> Caller:
    make_organization(organization_id)
    return Caller(Client(), member_token(organization_id))


def breaking(breaks, organization_id: str = "acme") -> None:
    """Break the file while nobody has it open."""
    databases.close_all()
    breaks(databases.file_of(organization_id))


CALLS = {
    "list the roles": lambda caller: caller.get("/api/org/roles"),
    "list the members": lambda caller: caller.get("/api/org/members"),
    "give a role": lambda caller: caller.put("/api/org/users/someone/roles", {"roles": ["viewer"]}),
    "check": lambda caller: caller.post("/api/org/check", {"action": "read", "resource": "nodes"}),
}


@each_break
def test_a_broken_tenants_api_answers_503(acme: Caller, breaks, expected: str) -> None:
    breaking(breaks)
    assert {name: code(call(acme)) for name, call in CALLS.items()} == dict.fromkeys(CALLS, (503, expected))


@each_break
def test_a_broken_tenant_is_counted_for_the_alert(acme: Caller, breaks, expected: str) -> None:
    breaking(breaks)
    before = value_of(UNUSABLE, code=expected)
    acme.get("/api/org/roles")
    assert value_of(UNUSABLE, code=expected) > before


@each_break
def test_other_tenants_go_on_beside_a_broken_one(acme: Caller, breaks, expected: str) -> None:
    bolt = caller_of("bolt")
    breaking(breaks)
    for _ in range(2):
        assert acme.get("/api/org/roles").status_code == 503
        assert bolt.get("/api/org/roles").status_code == 200
        assert bolt.put("/api/org/users/someone/roles", {"roles": ["viewer"]}).status_code == 200


@each_break
def test_a_tenant_works_again_when_its_file_is_put_back(acme: Caller, breaks, expected: str) -> None:
    file = databases.file_of("acme")
    kept = file.read_bytes()
    breaking(breaks)
    acme.get("/api/org/roles")
    shutil.rmtree(file.parent, ignore_errors=True)
    file.parent.mkdir()
    file.write_bytes(kept)
    assert acme.get("/api/org/roles").status_code == 200


@each_break
def test_verify_finds_the_break(acme: Caller, breaks, expected: str) -> None:
    breaking(breaks)
    assert integrity.verify("acme")


@pytest.mark.parametrize("breaks", [empty, truncated_after_the_header, not_sqlite, of_a_newer_schema])
def test_a_refused_request_keeps_no_file_open(acme: Caller, breaks) -> None:
    breaking(breaks)
    acme.get("/api/org/roles")
    assert descriptors(databases.file_of("acme").parent) == []


def test_a_broken_default_organization_does_not_stop_a_tenant(acme: Caller) -> None:
    assert not databases.file_of("default").exists()
    assert acme.get("/api/org/roles").status_code == 200


def test_damage_that_is_met_while_reading_on_is_refused_too() -> None:
    """The ORM's next page of rows fails after the first one came."""
    make_organization("acme")
    with context.organization("acme"):
        Principal.objects.bulk_create(Principal(id=f"{number:0128}") for number in range(2000))
        with databases.using("acme") as opened:
            opened.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        databases.close_all()
        file = databases.file_of("acme")
        content = file.read_bytes()
        kept = len(content) // 2
        file.write_bytes(content[:kept] + b"\xff" * (len(content) - kept))
        with pytest.raises(TenantDatabaseUnavailable):
            list(Principal.objects.values_list("id").iterator(chunk_size=10))


@pytest.fixture
def impatient(settings) -> None:
    settings.PULSE_RBAC_BUSY_SECONDS = 0.05


@pytest.fixture
def locked_by_another(acme: Caller, impatient: None) -> Iterator[None]:
    """Another connection, as another process would have it, is writing."""
    databases.close_all()
    with closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield


@pytest.fixture
def shut_by_another(acme: Caller, impatient: None) -> Iterator[None]:
    """Another connection lets nobody else even read."""
    databases.close_all()
    with closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as raw:
        raw.execute("PRAGMA locking_mode = EXCLUSIVE")
        raw.execute("BEGIN EXCLUSIVE")
        yield


def test_a_write_to_a_locked_database_is_answered_busy(acme: Caller, locked_by_another: None) -> None:
    answer = acme.put("/api/org/users/someone/roles", {"roles": ["viewer"]})
    assert code(answer) == (503, "tenant_busy")
    assert answer["Retry-After"] == "1"


def test_a_read_goes_on_while_another_writes(acme: Caller, locked_by_another: None) -> None:
    assert acme.get("/api/org/roles").status_code == 200


def test_a_read_of_a_shut_database_is_answered_busy(acme: Caller, shut_by_another: None) -> None:
    before = value_of(UNUSABLE, code="tenant_busy")
    answer = acme.get("/api/org/roles")
    assert code(answer) == (503, "tenant_busy")
    assert answer["Retry-After"] == "1"
    assert value_of(UNUSABLE, code="tenant_busy") > before


def test_a_busy_tenant_is_served_once_the_other_has_written(acme: Caller, impatient: None) -> None:
    databases.close_all()
    with closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        assert acme.put("/api/org/users/someone/roles", {"roles": ["viewer"]}).status_code == 503
        raw.execute("ROLLBACK")
    assert acme.put("/api/org/users/someone/roles", {"roles": ["viewer"]}).status_code == 200


def write_while_somebody_reads(principal_id: str, reader: sqlite3.Connection) -> None:
    """Without WAL a reader keeps the writer from committing, though not from writing."""
    with transaction.atomic(using="rbac_acme"):
        Principal.objects.create(id=principal_id)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM rbac_role").fetchone()


def test_a_commit_that_fails_rolls_back_and_leaves_the_connection_fit_for_use(impatient: None) -> None:
    make_organization("acme")
    with (
        databases.using("acme") as opened,
        context.organization("acme"),
        closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as reader,
    ):
        opened.raw.execute("PRAGMA journal_mode = DELETE")
        with pytest.raises(TenantBusy):
            write_while_somebody_reads("never", reader)
        reader.execute("ROLLBACK")
        with transaction.atomic(using="rbac_acme"):
            Principal.objects.create(id="later")
        assert set(Principal.objects.values_list("id", flat=True)) >= {"later"}
        assert not Principal.objects.filter(id="never").exists()


def test_a_query_that_is_at_fault_itself_is_not_taken_for_a_broken_file() -> None:
    make_organization("acme")
    with context.organization("acme"), pytest.raises(Exception, match="append-only") as refused:
        Change.objects.update(actor="somebody else")
    assert not isinstance(refused.value, TenantDatabaseUnavailable)

"""Which file a tenant's connection is on: the current one, whole, and never one that it made itself."""

import sqlite3
from pathlib import Path

import pytest
from django.db import connections, transaction

from rbac import databases, template
from rbac.models import Principal, Role
from tenants import context
from tests.rbac.files import decide, make_tenants, principals

pytestmark = pytest.mark.usefixtures("database")


def replace(organization_id: str, *, admin: str) -> None:
    """Another database by the same name, as a restore leaves it."""
    template.create("replacement", admin=admin)
    databases.file_of("replacement").rename(databases.file_of(organization_id))


def test_a_file_that_was_replaced_is_seen_at_the_next_use() -> None:
    make_tenants("acme")
    assert decide("acme")
    replace("acme", admin="somebody-else")
    assert not decide("acme")
    assert decide("acme", "somebody-else")


def test_a_file_that_was_replaced_is_seen_by_the_orm() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        assert principals() == ["acme-admin"]
        replace("acme", admin="somebody-else")
        assert principals() == ["somebody-else"]


def test_a_block_ends_on_the_file_that_it_began_with() -> None:
    make_tenants("acme")
    with databases.using("acme") as opened:
        replace("acme", admin="somebody-else")
        assert databases.open_database("acme") is opened
    assert decide("acme", "somebody-else")


def test_an_iteration_ends_on_the_file_that_it_began_with_and_hides_the_new_one_from_nobody() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        Principal.objects.bulk_create(Principal(id=f"p{number}") for number in range(10))
        with databases.using("acme") as opened:
            opened.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        iteration = Principal.objects.values_list("id", flat=True).iterator(chunk_size=2)
        next(iteration)
        replace("acme", admin="somebody-else")
        assert principals() == ["somebody-else"]
        assert len(list(iteration)) == 10


def test_a_connection_opened_by_its_alias_before_the_file_was_replaced_is_not_taken_for_the_new_one() -> None:
    make_tenants("acme")
    assert Role.objects.using("rbac_acme").count() == 4
    replace("acme", admin="somebody-else")
    assert decide("acme", "somebody-else")


def test_a_transaction_begun_by_its_alias_still_holds_when_the_router_meets_it() -> None:
    make_tenants("acme")
    with transaction.atomic(using="rbac_acme"), context.organization("acme"):
        Principal.objects.create(id="taken back")
        transaction.set_rollback(True, using="rbac_acme")
    with context.organization("acme"):
        assert principals() == ["acme-admin"]


def test_a_connection_that_somebody_closed_is_opened_again() -> None:
    make_tenants("acme")
    decide("acme")
    connections["rbac_acme"].close()
    assert decide("acme")


def test_naming_a_tenant_that_is_gone_makes_no_file(data_dir: Path) -> None:
    make_tenants("acme")
    databases.file_of("acme").unlink()
    with pytest.raises(Exception, match="unable to open"):
        Role.objects.using("rbac_acme").count()
    assert list((data_dir / "orgs" / "acme").iterdir()) == []


def test_a_folder_with_signs_that_mean_something_in_a_uri_is_found(settings, tmp_path: Path) -> None:
    settings.PULSE_DATA_DIR = tmp_path / "50% of #1?mode=ro"
    make_tenants("acme")
    with context.organization("acme"):
        Principal.objects.create(id="written")
    with sqlite3.connect(databases.file_of("acme")) as raw:
        assert raw.execute("SELECT count(*) FROM rbac_principal").fetchone() == (2,)


def test_a_tenants_connection_writes_to_disk_before_it_answers() -> None:
    make_tenants("acme")
    with databases.using("acme") as opened:
        assert opened.raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert opened.raw.execute("PRAGMA synchronous").fetchone() == (2,)
        assert opened.raw.execute("PRAGMA foreign_keys").fetchone() == (1,)

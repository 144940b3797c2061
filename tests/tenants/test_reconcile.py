"""Reconciliation: what crashes left is cleared, what the default organization lacks is made."""

import errno
from pathlib import Path

import pytest

from pulse import faults
from pulse.models import AuditEvent
from tenants import lifecycle, provisioning, resources
from tenants.models import Organization
from tests.factories import SYSTEM, make_organization
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")


def files(data_dir: Path) -> list[str]:
    return sorted(str(file.relative_to(data_dir)) for file in data_dir.rglob("*"))


def test_reconcile_clears_a_folder_of_no_organization(data_dir: Path) -> None:
    make_organization("acme")
    (data_dir / "orgs" / "ghost").mkdir()
    done = provisioning.reconcile(actor=SYSTEM)
    assert done.cleared == ["rbac: ghost"]
    assert not (data_dir / "orgs" / "ghost").exists()
    assert (data_dir / "orgs" / "acme" / "rbac.db").exists()


def test_reconcile_equips_the_default_organization_once(data_dir: Path) -> None:
    assert provisioning.reconcile(actor=SYSTEM).mended == ["rbac: default"]
    assert provisioning.reconcile(actor=SYSTEM).mended == []
    default = Organization.objects.get(id="default")
    assert resources.verify(default) == {}


def test_reconcile_with_nothing_to_do_is_no_audit_event() -> None:
    provisioning.reconcile(actor=SYSTEM)
    before = AuditEvent.objects.count()
    provisioning.reconcile(actor=SYSTEM)
    assert AuditEvent.objects.count() == before


def test_purging_leaves_no_file(data_dir: Path) -> None:
    make_organization("other")
    before = files(data_dir)
    organization_in("past its retention", "acme")
    lifecycle.purge("acme", actor=SYSTEM)
    assert files(data_dir) == before


def full_disk() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_a_purge_could_not_delete_is_cleared_later(data_dir: Path) -> None:
    make_organization("other")
    before = files(data_dir)
    organization_in("past its retention", "acme")
    faults.arm("discard.renamed", full_disk)
    assert lifecycle.purge("acme", actor=SYSTEM).status == "purged"
    faults.disarm()
    assert files(data_dir) != before
    assert provisioning.reconcile(actor=SYSTEM).cleared
    provisioned_default = [file for file in files(data_dir) if "default" in file]
    assert sorted(set(files(data_dir)) - set(provisioned_default)) == before


def test_as_many_leftovers_as_an_old_control_database_makes_are_kept_until_told(data_dir: Path) -> None:
    """Restoring an old control database must not erase the files of every later tenant."""
    for number in range(provisioning.MOST_LEFTOVERS + 1):
        (data_dir / "orgs" / f"ghost-{number}").mkdir(parents=True)
    done = provisioning.reconcile(actor=SYSTEM)
    assert (done.cleared, len(done.kept)) == ([], provisioning.MOST_LEFTOVERS + 1)
    assert (data_dir / "orgs" / "ghost-0").exists()
    assert len(provisioning.reconcile(actor=SYSTEM, most=100).cleared) == provisioning.MOST_LEFTOVERS + 1

"""The RBAC database as part of a tenant: what reconcile clears and mends, what an export holds."""

import json
import zipfile
from pathlib import Path

import pytest

from rbac import backups, databases
from tenants import exports, lifecycle, provisioning, resources
from tenants.models import Organization
from tests.factories import SYSTEM, make_member, make_organization, owner_of
from tests.rbac.files import make_tenants
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")


def reconcile() -> provisioning.Reconciled:
    return provisioning.reconcile(actor=SYSTEM)


def test_reconcile_clears_a_folder_of_no_organization() -> None:
    make_tenants("orphan")
    assert reconcile().cleared == ["rbac: orphan"]
    assert not databases.file_of("orphan").parent.exists()


@pytest.mark.parametrize("name", [".new-acme.x7", ".discarded-acme.x7", ".build-17-x7"])
def test_reconcile_clears_what_a_crash_left_unfinished(name: str) -> None:
    make_organization("acme")
    (databases.folder() / name).mkdir()
    assert reconcile().cleared == [f"rbac: {name}"]


def test_reconcile_clears_the_backups_of_no_organization_and_keeps_the_others() -> None:
    make_organization("acme")
    for name in ("acme", "orphan"):
        (backups.folder() / name).mkdir(parents=True)
    assert reconcile().cleared == [f"rbac: {backups.FOLDER}/orphan"]
    assert [entry.name for entry in backups.folder().iterdir()] == ["acme"]


@pytest.mark.parametrize("state", ["active", "suspended", "pending_deletion", "past its retention"])
def test_reconcile_keeps_the_files_of_every_living_organization(state: str) -> None:
    organization = organization_in(state)
    assert reconcile().cleared == []
    assert resources.verify(organization) == {}


@pytest.mark.parametrize("name", ["lost+found", "Notes", "a.b"])
def test_reconcile_leaves_alone_a_folder_that_we_would_never_make(name: str) -> None:
    make_organization("acme")
    stranger = databases.folder() / name
    stranger.mkdir()
    assert reconcile().cleared == []
    assert stranger.exists()


def test_reconcile_leaves_alone_a_file_among_the_folders() -> None:
    make_organization("acme")
    note = databases.folder() / "note"
    note.write_text("Do not delete.")
    assert reconcile().cleared == []
    assert note.exists()


def test_reconcile_gives_the_default_organization_its_database() -> None:
    assert reconcile().mended == ["rbac: default"]
    assert resources.verify(Organization.objects.get(id="default")) == {}
    assert reconcile().mended == []


def test_reconcile_a_second_time_finds_nothing() -> None:
    make_tenants("orphan")
    reconcile()
    assert reconcile() == provisioning.Reconciled([], [], [])


def test_a_purge_removes_the_tenants_folder() -> None:
    organization_in("past its retention")
    lifecycle.purge("acme", actor=SYSTEM)
    assert not databases.file_of("acme").parent.exists()
    assert reconcile().cleared == []


def test_an_export_holds_the_tenants_roles_and_assignments_and_nobody_elses(tmp_path: Path) -> None:
    make_organization("acme")
    make_organization("bolt")
    member, stranger = make_member("acme", roles=["viewer"]), make_member("bolt", roles=["viewer"])
    archive = tmp_path / "acme.zip"
    with archive.open("wb") as into:
        exports.export("acme", actor=SYSTEM, archive=into)
    with zipfile.ZipFile(archive) as packed:
        texts = {name: packed.read(name).decode() for name in packed.namelist()}
    assigned = [json.loads(line) for line in texts["assignments.jsonl"].splitlines()]
    assert {(row["principal_id"], row["role_id"]) for row in assigned} == {
        (str(owner_of("acme").public_id), "admin"),
        (str(member.public_id), "viewer"),
    }
    assert str(stranger.public_id) not in "".join(texts.values())
    assert texts["changes.jsonl"].count("\n") == 2

"""Killed, or out of disk, at every step of provisioning, purging and reconciling: a whole tenant or none."""

import ast
import errno
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

import rbac
from billing.models import Subscription
from pulse import audit, faults
from rbac import backups, databases, restoring, template
from tenants import context, errors, lifecycle, members, provisioning, reaper, resources
from tenants.models import ApiToken, Membership, Organization, Status, User
from tests.children import killed_at
from tests.factories import SYSTEM, make_member, make_organization, member_token, owner_of
from tests.processes import ROOT

pytestmark = pytest.mark.usefixtures("database")

TEMPLATE = ("template.folder", "template.migrated", "template.synced")
CLONE = ("clone.folder", "clone.copied", "clone.admin", "clone.synced", "clone.renamed")
BEFORE_PROVISIONED = (
    "provision.row",
    "provision.owner",
    *TEMPLATE,
    *CLONE,
    "provision.rbac",
    "provision.billing",
    "provision.audited",
)
PROVISIONED = ("provision.committed",)
UNDOING = ("provision.undoing",)
BEFORE_PURGED = ("purge.agreed", "purge.billing", "purge.rbac", "purge.people")
PURGED = ("discard.begun", "discard.renamed")
RECONCILING = ("reconcile.cleared",)
REMOVING = ("member.roles_withdrawn",)

# The modules that provisioning, purging and reconciling run through.
SOURCES = [
    *(file for file in ROOT.glob("tenants/*.py") if file.name != "bulk.py"),
    *ROOT.glob("billing/*.py"),
    ROOT / "rbac/template.py",
    ROOT / "rbac/tenant_resource.py",
]


def points_in(source: Path) -> set[str]:
    """The names that the source gives to `faults.reach`, an f-string's for every tenant resource."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "faults.reach":
            for resource in resources.registered():
                found.add(eval(ast.unparse(node.args[0]), {"resource": resource}))
    return found


def test_no_point_is_missing_from_the_tables() -> None:
    tested = {*BEFORE_PROVISIONED, *PROVISIONED, *UNDOING, *BEFORE_PURGED, *PURGED, *RECONCILING, *REMOVING}
    assert set().union(*(points_in(source) for source in SOURCES)) == tested


def provision_and_fail() -> None:
    faults.arm("provision.audited", lambda: 1 / 0)
    make_organization("acme")


def purge() -> None:
    lifecycle.purge("acme", actor=SYSTEM)


def remove(member: User) -> None:
    members.remove("acme", member, actor=SYSTEM)


def test_killed_while_a_member_is_removed_no_roles_outlive_the_membership() -> None:
    make_organization("acme")
    bob = make_member("acme", roles=["admin"])
    killed_at(*REMOVING, remove, bob)
    with context.organization("acme"):
        assert not rbac.check(str(bob.public_id), "read", "nodes")
    remove(bob)
    assert_whole("acme")


def test_roles_that_an_old_backup_brought_back_are_found() -> None:
    make_organization("acme")
    bob = make_member("acme", roles=["viewer"])
    backup = backups.make("acme", actor=SYSTEM)
    remove(bob)
    restoring.restore("acme", backup.name, actor=SYSTEM)
    found = resources.verify(Organization.objects.get(id="acme"))
    assert found == {"rbac": [f"{bob.public_id} has roles and is not a member"]}


def fill_the_disk_at(point: str) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    faults.arm(point, fail)


def forget_the_template() -> None:
    shutil.rmtree(template._template_file().parent, ignore_errors=True)


def folders() -> set[str]:
    """What is in the tenants' folder, without the template."""
    root = databases.folder()
    return {entry.name for entry in root.iterdir() if not entry.name.startswith(".template-")}


def assert_whole(organization_id: str) -> None:
    organization = Organization.objects.get(id=organization_id)
    assert resources.verify(organization) == {}
    assert Subscription.objects.filter(organization=organization).exists()
    assert owner_of(organization_id).email == f"owner@{organization_id}.example"
    assert organization_id in folders()


def assert_nothing_of(organization_id: str) -> None:
    assert not Organization.objects.living().filter(id=organization_id).exists()
    assert not User.objects.filter(email=f"owner@{organization_id}.example").exists()
    assert not Membership.objects.filter(organization=organization_id).exists()
    assert not ApiToken.objects.filter(organization=organization_id).exists()
    assert not Subscription.objects.filter(organization=organization_id).exists()
    assert not [name for name in folders() if organization_id in name]


def pending_past_its_retention(organization_id: str) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        make_organization(organization_id)
        member_token(organization_id)
        lifecycle.soft_delete(organization_id, actor=SYSTEM, retention_days=1)


def reconcile() -> None:
    provisioning.reconcile(actor=SYSTEM)
    assert audit.verify() is None


@pytest.mark.parametrize("point", BEFORE_PROVISIONED)
def test_a_kill_before_the_commit_leaves_nothing_of_a_tenant(point: str) -> None:
    if point in TEMPLATE:
        forget_the_template()
    killed_at(point, make_organization, "acme")
    reconcile()
    assert_nothing_of("acme")
    assert folders() == {"default"}
    make_organization("acme")
    assert_whole("acme")


@pytest.mark.parametrize("point", [*UNDOING, *PURGED])
def test_a_kill_while_a_failed_provisioning_is_undone_leaves_nothing_of_a_tenant(point: str) -> None:
    killed_at(point, provision_and_fail)
    reconcile()
    assert_nothing_of("acme")
    assert folders() == {"default"}


@pytest.mark.parametrize("point", PROVISIONED)
def test_a_kill_after_the_commit_leaves_a_whole_tenant(point: str) -> None:
    killed_at(point, make_organization, "acme")
    reconcile()
    assert_whole("acme")
    assert folders() == {"default", "acme"}
    assert make_organization("acme").id == "acme"


@pytest.mark.parametrize("point", BEFORE_PURGED)
def test_a_kill_before_a_purge_holds_leaves_the_tenant_whole_for_the_next_run(point: str) -> None:
    pending_past_its_retention("acme")
    killed_at(point, purge)
    reconcile()
    assert Organization.objects.get(id="acme").status == Status.PENDING_DELETION
    assert_whole("acme")
    assert [outcome.refusal for outcome in reaper.reap(actor=SYSTEM)] == [""]
    assert_nothing_of("acme")


@pytest.mark.parametrize("point", PURGED)
def test_a_kill_once_a_purge_holds_leaves_a_tombstone_alone(point: str) -> None:
    pending_past_its_retention("acme")
    killed_at(point, purge)
    reconcile()
    assert Organization.objects.get(id="acme").status == Status.PURGED
    assert_nothing_of("acme")
    assert folders() == {"default"}
    again = provisioning.provision(email="owner@acme.example", name="Acme again", actor=SYSTEM)
    assert not again.existing
    assert resources.verify(again.organization) == {}


def leave_orphans() -> None:
    """What crashed provisionings leave behind, and a default organization without its database."""
    reconcile()
    for name in ("orphan", ".new-acme.x", ".discarded-acme.y"):
        (databases.folder() / name).mkdir()
        shutil.copyfile(template.ensure(), databases.folder() / name / "rbac.db")
    shutil.rmtree(databases.folder() / "default")


@pytest.mark.parametrize("point", [*RECONCILING, *CLONE])
def test_a_kill_while_reconciling_is_mended_by_the_next_run(point: str) -> None:
    make_organization("acme")
    leave_orphans()
    killed_at(point, reconcile)
    reconcile()
    assert folders() == {"default", "acme"}
    assert_whole("acme")
    assert resources.verify(Organization.objects.get(id="default")) == {}


@pytest.mark.parametrize("point", BEFORE_PROVISIONED)
def test_a_full_disk_while_provisioning_is_undone_at_once(point: str) -> None:
    if point in TEMPLATE:
        forget_the_template()
    databases.folder().mkdir(exist_ok=True)
    fill_the_disk_at(point)
    with pytest.raises(errors.ProvisioningFailed):
        make_organization("acme")
    assert_nothing_of("acme")
    assert folders() == set()
    assert audit.verify() is None
    faults.disarm()
    make_organization("acme")
    assert_whole("acme")


@pytest.mark.parametrize("point", BEFORE_PURGED)
def test_a_full_disk_before_a_purge_holds_keeps_that_tenant_whole_and_purges_the_others(point: str) -> None:
    pending_past_its_retention("acme")
    pending_past_its_retention("bolt")
    failures = iter([OSError(errno.ENOSPC, "No space left on device")])

    def fail_once() -> None:
        if failure := next(failures, None):
            raise failure

    faults.arm(point, fail_once)
    assert [one.refusal for one in reaper.reap(actor=SYSTEM)] == ["purge_failed", ""]
    assert_whole("acme")
    assert_nothing_of("bolt")


@pytest.mark.parametrize("point", PURGED)
def test_a_full_disk_once_a_purge_holds_leaves_files_for_reconcile(point: str) -> None:
    pending_past_its_retention("acme")
    fill_the_disk_at(point)
    assert [one.refusal for one in reaper.reap(actor=SYSTEM)] == [""]
    assert Organization.objects.get(id="acme").status == Status.PURGED
    reconcile()
    assert_nothing_of("acme")

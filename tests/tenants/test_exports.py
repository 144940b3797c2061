"""An export holds everything on one tenant, nothing of another, and no secret."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tenants import exports
from tenants.models import Membership, Organization
from tests.api import Caller, code
from tests.factories import SYSTEM, make_member, make_organization, member_token, owner_of
from tests.tenants.states import STEPS, organization_in

pytestmark = pytest.mark.usefixtures("database")

START = datetime(2026, 1, 1, tzinfo=UTC)
FILES = {
    "organization.jsonl", "members.jsonl", "tokens.jsonl", "audit.jsonl", "subscription.jsonl", "roles.jsonl",
    "permissions.jsonl", "principals.jsonl", "assignments.jsonl", "changes.jsonl", "manifest.json",
}  # fmt: skip


def export(operator: Caller, organization_id: str = "acme") -> zipfile.ZipFile:
    answer = operator.get(f"/api/admin/orgs/{organization_id}/export")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert f'filename="{organization_id}.zip"' in answer["Content-Disposition"]
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(name).splitlines()]


def everything(archive: zipfile.ZipFile) -> str:
    return "\n".join(archive.read(name).decode() for name in archive.namelist())


def test_it_has_a_file_for_each_part(operator: Caller) -> None:
    make_organization("acme")
    assert set(export(operator).namelist()) >= FILES


def test_the_manifest_tells_each_files_hash_and_lines(operator: Caller) -> None:
    make_organization("acme")
    archive = export(operator)
    manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["format"], manifest["organization"]) == (1, "acme")
    assert set(manifest["files"]) == set(archive.namelist()) - {"manifest.json"}
    for name, told in manifest["files"].items():
        content = archive.read(name)
        assert told == {"sha256": hashlib.sha256(content).hexdigest(), "lines": len(content.splitlines())}


def test_it_tells_the_organization_its_people_and_its_timeline(operator: Caller) -> None:
    make_organization("acme", email="ann@example.com")
    viewer = make_member("acme", roles=["viewer"])
    operator.post("/api/admin/orgs/acme/suspend", {"reason": "unpaid"})
    archive = export(operator)
    [organization] = rows(archive, "organization.jsonl")
    assert (organization["status"], organization["suspend_reason"]) == ("suspended", "unpaid")
    assert organization["signup_email"] == "ann@example.com"
    people = {one["user__email"]: one["is_owner"] for one in rows(archive, "members.jsonl")}
    assert people == {"ann@example.com": True, viewer.email: False}
    verbs = [event["verb"] for event in rows(archive, "audit.jsonl")]
    assert verbs == ["organization.provision", "roles.assign", "organization.suspend", "organization.export"]
    assigned = {(one["principal_id"], one["role_id"]) for one in rows(archive, "assignments.jsonl")}
    assert assigned == {(str(owner_of("acme").public_id), "admin"), (str(viewer.public_id), "viewer")}


def test_it_tells_who_gets_in_how_and_until_when(operator: Caller) -> None:
    organization = make_organization("acme")
    organization.memberships.update(is_emergency_owner=True, signed_out_at=START, vouched_until=START)
    Organization.objects.filter(id="acme").update(support_may_write=True, sso_only=True)
    archive = export(operator)
    [owner], [settings] = rows(archive, "members.jsonl"), rows(archive, "organization.jsonl")
    assert (owner["is_emergency_owner"], owner["signed_out_at"]) == (True, "2026-01-01T00:00:00Z")
    assert owner["vouched_until"] == "2026-01-01T00:00:00Z"
    assert (settings["support_may_write"], settings["sso_only"]) == (True, True)


def test_no_secret_is_in_it(operator: Caller) -> None:
    make_organization("acme")
    owner = owner_of("acme")
    owner.set_password("correct horse battery")
    owner.save()
    text = member_token("acme")
    told = everything(export(operator))
    assert text[:14] in told
    for secret in (text, owner.tokens.get().token_hash, owner.password, "argon2"):
        assert secret not in told


def test_nothing_of_another_tenant_is_in_it(operator: Caller) -> None:
    make_organization("acme")
    make_organization("globex")
    stranger = make_member("globex", roles=["viewer"])
    Membership.objects.create(user=owner_of("acme"), organization_id="globex")
    theirs = member_token("globex")
    operator.post("/api/admin/orgs/globex/suspend", {"reason": "a secret of theirs"})
    told = everything(export(operator))
    for trace in ("globex", stranger.email, str(stranger.public_id), theirs[:14], "a secret of theirs"):
        assert trace not in told


@pytest.mark.parametrize("state", [state for state in STEPS if state != "purged"])
def test_it_can_be_had_in_every_living_state(operator: Caller, state) -> None:
    organization_in(state)
    assert set(export(operator).namelist()) >= FILES


def test_the_default_organization_can_be_exported(operator: Caller) -> None:
    from tenants import provisioning

    provisioning.reconcile(actor=SYSTEM)
    assert FILES - {"subscription.jsonl"} <= set(export(operator, "default").namelist())


def test_a_damaged_tenant_is_refused_and_nothing_half_is_sent(operator: Caller, data_dir: Path) -> None:
    make_organization("acme")
    (data_dir / "orgs" / "acme" / "rbac.db").write_bytes(b"not a database" * 100)
    answer = operator.get("/api/admin/orgs/acme/export")
    assert code(answer) == (503, "tenant_database_unavailable")


def test_instants_are_rfc_3339_in_utc(operator: Caller) -> None:
    make_organization("acme")
    [owner] = rows(export(operator), "members.jsonl")
    assert owner["joined_at"].endswith("Z")


def test_a_disk_that_is_full_is_told_to_the_caller_of_the_verb() -> None:
    make_organization("acme")
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb") as full:
        exports.export("acme", actor=SYSTEM, archive=full)

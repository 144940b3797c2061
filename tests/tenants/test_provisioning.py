"""Provisioning: a whole tenant or none, once for each e-mail."""

import errno
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connections

from pulse import faults
from pulse.models import AuditEvent
from pulse.problems import Problem
from tenants import provisioning
from tenants.models import ORGANIZATION_ID, Organization, User
from tests.api import Caller, code
from tests.factories import SYSTEM, UserFactory, make_organization, member_token, owner_of
from tests.tenants.scrape import value_of
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")

STEPS_BEFORE_THE_COMMIT = [
    "provision.row", "provision.owner", "provision.billing", "clone.folder", "clone.copied", "clone.admin",
    "clone.renamed", "provision.rbac", "provision.audited",
]  # fmt: skip


def ask(operator: Caller, email: str = "ann@example.com", name: str = "Acme Ltd", **more: str):
    return operator.post("/api/admin/orgs", {"email": email, "name": name, **more})


def full_disk() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def files(data_dir: Path) -> list[str]:
    return sorted(str(file.relative_to(data_dir)) for file in data_dir.rglob("*"))


def test_a_new_organization_is_whole(operator: Caller) -> None:
    answer = ask(operator)
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["id"], shown["display_name"], shown["status"]) == ("acme-ltd", "Acme Ltd", "active")
    assert shown["owner_email"] == "ann@example.com"
    assert operator.get("/api/admin/orgs/acme-ltd/verify").json() == {"whole": True, "findings": {}}


def test_its_owner_is_admin_in_it(operator: Caller) -> None:
    ask(operator)
    owner = Caller(operator.client, member_token("acme-ltd"))
    path = f"/api/org/users/{owner_of('acme-ltd').public_id}/roles"
    assert owner.get(path).json()["roles"] == ["admin"]


def test_it_is_audited_and_counted(operator: Caller) -> None:
    success = ("pulse_hosted_provisions_total", {"status": "success"})
    before = value_of(success[0], **success[1]), value_of("pulse_hosted_provision_seconds_count")
    ask(operator)
    after = value_of(success[0], **success[1]), value_of("pulse_hosted_provision_seconds_count")
    assert after == (before[0] + 1, before[1] + 1)
    [event] = operator.get("/api/admin/orgs/acme-ltd/events").json()["results"]
    assert (event["verb"], event["after"]["status"]) == ("organization.provision", "active")
    assert "@" not in str(event)


@pytest.mark.parametrize(
    ("name", "organization_id"),
    [
        ("Acme Ltd", "acme-ltd"),
        ("  Acme  ", "acme"),
        ("Ünïcode & Söhne", "unicode-sohne"),
        ("a_b_c", "a-b-c"),
        ("--x--", "x"),
        ("ACME", "acme"),
        ("株式会社", "org"),
        ("___", "org"),
        ("x" * 64, "x" * 54),
    ],
)
def test_an_id_is_made_from_the_name(operator: Caller, name, organization_id) -> None:
    shown = ask(operator, name=name).json()
    assert shown["id"] == organization_id
    assert shown["display_name"] == name.strip()


@pytest.mark.parametrize("name", ["Acme", "Default", "x" * 64, "株式会社"])
def test_a_taken_id_gets_a_random_end(operator: Caller, name) -> None:
    first = ask(operator, email="first@example.com", name=name).json()["id"]
    second = ask(operator, email="second@example.com", name=name)
    assert second.status_code == 201
    assert second.json()["id"] != first
    assert re.fullmatch(ORGANIZATION_ID, second.json()["id"])


def test_the_same_email_in_any_case_gets_the_existing_one(operator: Caller) -> None:
    made = ask(operator, "Ann@Example.com", "Acme")
    again = ask(operator, " ANN@EXAMPLE.COM ", "Other Name")
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    assert User.objects.filter(email__iexact="ann@example.com").count() == 1


def test_a_person_who_exists_becomes_the_owner(operator: Caller) -> None:
    ann = UserFactory(email="ann@example.com")
    ask(operator)
    assert owner_of("acme-ltd") == ann


def test_a_purged_tenants_email_gets_a_new_organization_with_a_new_id(operator: Caller) -> None:
    organization_in("purged", "acme")
    answer = ask(operator, "owner@acme.example", "Acme")
    assert answer.status_code == 201
    assert re.fullmatch(r"acme-[0-9a-f]{8}", answer.json()["id"])


@pytest.mark.parametrize("state", ["active", "suspended", "pending_deletion", "purged"])
def test_an_id_is_never_used_twice(operator: Caller, state) -> None:
    organization_in(state, "acme")
    assert code(ask(operator, id="acme")) == (409, "org_id_taken")
    assert code(ask(operator, id="default")) == (409, "org_id_taken")


@pytest.mark.parametrize("organization_id", ["a", "a1", "a-b", "x" * 63, "0"])
def test_an_id_may_be_given(operator: Caller, organization_id) -> None:
    assert ask(operator, id=organization_id).json()["id"] == organization_id


def test_a_malformed_id_is_refused(operator: Caller) -> None:
    for organization_id in ["", "-a", "a-", "A", "a b", "a.b", "../a", "x" * 64, "a\n", "é", 5, None]:
        answer = code(ask(operator, id=organization_id))
        assert (organization_id, answer) == (organization_id, (400, "invalid_org_id"))
    assert not Organization.objects.exclude(id="default").exists()


def test_an_invalid_email_is_refused(operator: Caller) -> None:
    for email in [
        "",
        "ann",
        "@example.com",
        "a b@example.com",
        "a@b\n.com",
        "a\x00@example.com",
        "a" * 250 + "@e.com",
        5,
        None,
        [],
    ]:
        assert (email, code(ask(operator, email=email))) == (email, (400, "invalid_email"))


def test_an_invalid_name_is_refused(operator: Caller) -> None:
    for name in [
        "",
        "ab",
        "  ab  ",
        "x" * 65,
        "x" * 10_000,
        "a/b",
        "a\\b",
        "a\nb",
        "a\x00b",
        "a\u202eb",
        12345,
        None,
        [],
    ]:
        assert (name, code(ask(operator, name=name))) == (name, (400, "invalid_org_name"))


@pytest.mark.parametrize(
    "changes", [{"email": "a" * 250 + "@e.com"}, {"organization_id": "A"}, {"name": "ab"}]
)
def test_the_verb_refuses_the_same_from_every_other_door(changes) -> None:
    with pytest.raises(Problem) as refused:
        provisioning.provision(**({"email": "ann@example.com", "name": "Acme"} | changes), actor=SYSTEM)
    assert refused.value.status == 400


def test_the_cap_is_the_number_of_living_organizations(operator: Caller, settings) -> None:
    settings.PULSE_TENANT_CAP = 2
    organization_in("purged", "gone")
    make_organization("one")
    assert ask(operator).status_code == 201
    assert code(ask(operator, email="late@example.com")) == (503, "tenant_cap_reached")
    assert ask(operator).status_code == 200


@pytest.mark.parametrize("step", STEPS_BEFORE_THE_COMMIT)
def test_a_full_disk_at_any_step_leaves_nothing(operator: Caller, data_dir: Path, step) -> None:
    make_organization("other")
    before = (
        files(data_dir),
        AuditEvent.objects.count(),
        value_of("pulse_hosted_provisions_total", status="failure"),
    )
    faults.arm(step, full_disk)
    assert code(ask(operator)) == (503, "provisioning_failed")
    after = (
        files(data_dir),
        AuditEvent.objects.count(),
        value_of("pulse_hosted_provisions_total", status="failure"),
    )
    # The failure alone is kept.
    assert after == (before[0], before[1] + 1, before[2] + 1)
    assert AuditEvent.objects.first().verb == provisioning.FAILED
    assert not User.objects.filter(email="ann@example.com").exists()
    faults.disarm()
    assert ask(operator).json()["id"] == "acme-ltd"


def test_a_failure_after_the_commit_keeps_the_tenant_for_the_next_try(operator: Caller) -> None:
    faults.arm("provision.committed", full_disk)
    assert code(ask(operator)) == (503, "provisioning_failed")
    assert ask(operator).status_code == 200
    assert operator.get("/api/admin/orgs/acme-ltd/verify").json()["whole"]


def test_nothing_is_kept_when_the_tenants_folder_cannot_be_made(operator: Caller, data_dir: Path) -> None:
    for file in sorted((data_dir / "orgs").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    (data_dir / "orgs").rmdir()
    (data_dir / "orgs").write_text("in the way")
    assert code(ask(operator)) == (503, "provisioning_failed")
    assert not Organization.objects.exclude(id="default").exists()


def test_nothing_is_kept_when_the_data_directory_is_gone(operator: Caller, data_dir: Path) -> None:
    moved = data_dir.rename(data_dir.with_name("elsewhere"))
    assert code(ask(operator)) == (503, "provisioning_failed")
    assert not Organization.objects.exclude(id="default").exists()
    moved.rename(data_dir)


def at_once(*emails: str) -> list[str]:
    """Provision for all at once, each in a thread: the ids, or the codes of the refusals."""
    together = Barrier(len(emails))

    def work(email: str) -> str:
        together.wait(10)
        try:
            return provisioning.provision(email=email, name="Acme", actor=SYSTEM).organization.id
        except Problem as problem:
            return problem.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(emails)) as pool:
        return list(pool.map(work, emails))


def test_one_email_at_once_gets_one_organization() -> None:
    make_organization("other")
    assert set(at_once(*["ann@example.com"] * 6)) == {"acme"}


def test_one_name_at_once_gets_an_id_each() -> None:
    make_organization("other")
    ids = at_once(*[f"person-{number}@example.com" for number in range(6)])
    assert len(set(ids)) == 6
    assert "acme" in ids
    assert all(one.startswith("acme") for one in ids)


def test_the_cap_holds_against_many_at_once(settings) -> None:
    make_organization("other")
    settings.PULSE_TENANT_CAP = 2
    outcomes = at_once(*[f"person-{number}@example.com" for number in range(6)])
    assert sorted(outcomes) == ["acme", *["tenant_cap_reached"] * 5]

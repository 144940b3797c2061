"""A freeze refuses operators' writes at their next one, through every door, and lets pass what contains."""

import pytest
from django.core.management import call_command
from django.test import Client

from pulse import freeze, frozen
from pulse.actors import from_shell
from pulse.models import AuditEvent, Freeze
from pulse.problems import PermissionRefused
from rbac import backups
from tenants import lifecycle, organizations, tokens
from tenants.models import Organization, Status
from tests.admin import said, signed_in, text
from tests.api import Caller, code
from tests.factories import SYSTEM, acting, make_operator, make_organization, member_token, owner_of

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def acme() -> str:
    return make_organization("acme").id


@pytest.fixture
def frozen_now(acme: str) -> None:
    freeze.begin(actor=SYSTEM, reason="INC-1 leak")


@pytest.mark.usefixtures("frozen_now")
def test_the_api_answers_423_and_changes_nothing(operator: Caller) -> None:
    answer = operator.patch("/api/admin/orgs/acme", {"display_name": "Other"})
    assert code(answer) == (423, "frozen")
    assert answer.json()["detail"].endswith("UTC: INC-1 leak")
    assert Organization.objects.get(id="acme").display_name == "Acme Ltd"


@pytest.mark.usefixtures("frozen_now")
def test_a_command_is_refused_with_the_code(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("provision", "--email", "ann@example.com", "--name", "Beta Ltd")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("frozen: ")
    assert not Organization.objects.filter(id="beta-ltd").exists()


@pytest.mark.usefixtures("frozen_now")
@pytest.mark.parametrize("action", ["suspend", "soft-delete"])
def test_the_lifecycle_goes_on(operator: Caller, action: str) -> None:
    assert operator.post(f"/api/admin/orgs/acme/{action}").status_code == 200
    back = {"suspend": "unsuspend", "soft-delete": "restore"}[action]
    assert operator.post(f"/api/admin/orgs/acme/{back}").status_code == 200


@pytest.mark.usefixtures("frozen_now")
def test_purging_waits_because_it_erases_what_is_looked_at() -> None:
    lifecycle.soft_delete("acme", actor=SYSTEM, retention_days=1)
    Organization.objects.update(purge_after="2020-01-01T00:00:00Z")
    with pytest.raises(frozen.Frozen):
        lifecycle.purge("acme", actor=from_shell())
    assert Organization.objects.get(id="acme").status == Status.PENDING_DELETION


@pytest.mark.usefixtures("frozen_now")
def test_jobs_and_strangers_go_on(nobody: Caller) -> None:
    organizations.rename("acme", name="Renamed", actor=SYSTEM)
    assert (
        nobody.post("/api/public/signup", {"email": "x@example.com", "org_name": "Gamma"}).status_code == 202
    )


@pytest.mark.usefixtures("frozen_now")
def test_tenants_own_people_go_on() -> None:
    owner = Caller(Client(), member_token("acme"))
    role = {"id": "helper", "name": "Helper", "permissions": []}
    assert owner.post("/api/org/roles", role).status_code == 201


@pytest.mark.usefixtures("frozen_now")
def test_an_operator_who_is_a_member_goes_on_as_a_member_alone() -> None:
    both = owner_of("acme")
    both.is_staff = both.is_superuser = True
    both.save()
    _, operators = tokens.create_for_operator(both, actor=SYSTEM, scopes=["read", "write"])
    role = {"id": "helper", "name": "Helper", "permissions": []}
    assert Caller(Client(), member_token("acme")).post("/api/org/roles", role).status_code == 201
    outside = Caller(Client(), operators)
    assert code(outside.patch("/api/admin/orgs/acme", {"display_name": "Other"})) == (423, "frozen")


@pytest.mark.usefixtures("frozen_now")
def test_reads_that_are_audited_go_on(operator: Caller) -> None:
    assert operator.get("/api/admin/orgs/acme/export").status_code == 200


@pytest.mark.usefixtures("frozen_now")
def test_hosted_mode_can_be_shut_but_not_opened(capsys) -> None:
    call_command("hosted_mode", "kill", "--reason", "leak")
    with pytest.raises(SystemExit):
        call_command("hosted_mode", "revive")
    assert "frozen" in capsys.readouterr().err


@pytest.mark.usefixtures("frozen_now")
def test_evidence_can_be_kept_but_not_thrown_away(capsys) -> None:
    backup = backups.make("acme", actor=from_shell())
    with pytest.raises(frozen.Frozen):
        backups.remove("acme", backup.name, actor=from_shell())
    assert backup.file.exists()


@pytest.mark.usefixtures("frozen_now")
@pytest.mark.parametrize(
    "command",
    [
        ["migrate_tenants"],
        ["reconcile"],
        ["restore_tenant", "acme", "20260101T000000.000000Z", "--yes"],
        ["seed"],
    ],
    ids=lambda command: command[0],
)
def test_what_cannot_be_undone_is_refused_before_it_begins(capsys, command: list[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(*command)
    assert capsys.readouterr().err.startswith("frozen: ")


def test_lifted_writes_pass_at_the_next_one(operator: Caller, frozen_now: None) -> None:
    freeze.lift(actor=SYSTEM, reason="over")
    assert operator.patch("/api/admin/orgs/acme", {"display_name": "Other"}).status_code == 200


@pytest.mark.usefixtures("frozen_now")
def test_a_second_freeze_keeps_the_first_ones_reason() -> None:
    with pytest.raises(freeze.AlreadyFrozen):
        freeze.begin(actor=SYSTEM, reason="another")
    assert frozen.in_force().reason == "INC-1 leak"


def test_what_is_not_frozen_is_not_lifted() -> None:
    with pytest.raises(freeze.NotFrozen):
        freeze.lift(actor=SYSTEM, reason="over")


@pytest.mark.parametrize("group", ["support", "billing"])
def test_others_may_not_freeze(group: str) -> None:
    with pytest.raises(PermissionRefused):
        freeze.begin(actor=acting(make_operator(group)), reason="leak")
    assert not frozen.is_frozen()


def test_both_are_recorded_with_their_reasons() -> None:
    freeze.begin(actor=from_shell(), reason="leak")
    freeze.lift(actor=from_shell(), reason="over")
    assert list(AuditEvent.objects.values_list("verb", "reason")) == [
        ("freeze.lift", "over"),
        ("freeze.begin", "leak"),
    ]


def test_the_command_freezes_tells_and_lifts(capsys) -> None:
    call_command("freeze", "on", "--reason", "leak")
    assert capsys.readouterr().out.endswith("UTC: leak\n")
    call_command("freeze", "status", "--json")
    assert '"frozen": true' in capsys.readouterr().out
    call_command("freeze", "off", "--reason", "over")
    assert capsys.readouterr().out == "Operators' writes are not frozen.\n"


def test_the_command_asks_for_a_reason(capsys) -> None:
    with pytest.raises(SystemExit):
        call_command("freeze", "on")
    assert capsys.readouterr().err.startswith("reason_required")
    assert not Freeze.objects.filter(frozen=True).exists()


@pytest.mark.usefixtures("frozen_now")
def test_every_page_says_who_froze_why_and_offers_to_lift() -> None:
    page = text(signed_in("operator").get("/admin/tenants/organization/"))
    assert "<q>INC-1 leak</q> by job:test" in page
    assert "/admin/pulse/freeze/lift/" in page


@pytest.mark.usefixtures("frozen_now")
def test_who_may_not_lift_is_told_all_the_same() -> None:
    page = text(signed_in("support").get("/admin/"))
    assert "<q>INC-1 leak</q>" in page
    assert "/admin/pulse/freeze/lift/" not in page


def test_no_page_says_so_otherwise() -> None:
    assert "frozen" not in text(signed_in("operator").get("/admin/"))


def test_the_admin_freezes_and_lifts() -> None:
    browser = signed_in("operator")
    assert said(browser.post("/admin/pulse/freeze/begin/", {"reason": "leak"})) == [
        "Operators' writes are frozen."
    ]
    assert frozen.in_force().reason == "leak"
    browser.post("/admin/pulse/freeze/lift/", {"reason": "over"})
    assert not frozen.is_frozen()


@pytest.mark.usefixtures("frozen_now")
def test_a_form_of_the_admin_says_so_above_its_fields_with_what_was_typed() -> None:
    path = "/admin/tenants/organization/acme/rename/"
    answer = signed_in("operator").post(path, {"name": "Other Ltd", "seen": "*"})
    assert answer.status_code == 423
    assert "INC-1 leak" in text(answer)
    assert "Other Ltd" in text(answer)

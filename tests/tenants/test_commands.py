"""The operators' commands: their output, their exit codes, and who may run them."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError

from pulse.models import AuditEvent
from tenants.models import Organization
from tests import processes
from tests.factories import make_operator, make_organization
from tests.tenants.shell import document, run, table
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")


def status_of(organization_id: str) -> str:
    return Organization.objects.get(id=organization_id).status


VERBS = [
    ("suspend", "active", "suspended", "already_suspended"),
    ("unsuspend", "suspended", "active", "not_suspended"),
    ("soft_delete", "active", "pending_deletion", "already_pending_deletion"),
    ("restore", "pending_deletion", "active", "not_pending_deletion"),
]


@pytest.mark.parametrize(("verb", "source", "target", "refusal"), VERBS)
def test_one_refusal_does_not_stop_the_others(verb, source, target, refusal) -> None:
    organization_in(source, "first")
    organization_in(target, "refused")
    organization_in(source, "last")
    status, rows = document(verb, "first", "refused", "nobody", "last")
    assert status == 1
    results = {row["id"]: row["result"] for row in rows}
    assert results == {"first": "done", "refused": refusal, "nobody": "not_found", "last": "done"}
    assert (status_of("first"), status_of("last")) == (target, target)
    assert all(row["detail"] for row in rows if row["result"] != "done")


@pytest.mark.parametrize(("verb", "source", "target", "refusal"), VERBS)
def test_all_done_is_exit_code_0(verb, source, target, refusal) -> None:
    organization_in(source, "acme")
    status, [row] = document(verb, "acme")
    assert (status, row["status"]) == (0, target)


@pytest.mark.parametrize(("verb", "source", "target", "refusal"), VERBS)
def test_the_operating_system_user_and_the_reason_are_recorded(verb, source, target, refusal) -> None:
    organization_in(source, "acme")
    run(verb, "acme", "--reason", "ticket 7")
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert (event.verb, event.reason) == (f"organization.{verb}", "ticket 7")
    assert (event.actor_kind, event.door) == ("shell", "command")
    assert event.actor.startswith("os:")


def test_an_actor_is_recorded() -> None:
    make_organization("acme")
    operator = make_operator("operator", email="op@pulse.example")
    assert run("suspend", "acme", "--actor", " OP@pulse.example ")[0] == 0
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert (event.actor, event.actor_kind) == (str(operator.public_id), "user")


READING = [["organizations"], ["reap"], ["verify_tenants", "acme"]]
OPERATING = [
    ["suspend", "acme"],
    ["soft_delete", "acme"],
    ["provision", "--email", "ann@example.com", "--name", "Globex"],
    ["export_tenant", "acme", "--output", "OUTPUT"],
]
ADMINISTERING = [["reconcile"], ["create_token", "--organization", "acme", "--user", "owner@acme.example"]]
ALLOWED = {
    "support": READING,
    "billing": READING,
    "operator": READING + OPERATING,
    "admin": READING + OPERATING + ADMINISTERING,
}


@pytest.mark.parametrize("group", ALLOWED)
def test_an_actor_is_held_to_their_permissions(group, tmp_path: Path) -> None:
    make_organization("acme")
    make_operator(group, email="op@pulse.example")
    for argv in READING + OPERATING + ADMINISTERING:
        given = [str(tmp_path / "acme.zip") if word == "OUTPUT" else word for word in argv]
        status, out, err = run(*given, "--actor", "op@pulse.example")
        is_allowed = argv in ALLOWED[group]
        assert (argv, status, "permission_denied" in out + err) == (
            argv,
            0 if is_allowed else 1,
            not is_allowed,
        )
    assert (tmp_path / "acme.zip").exists() == (group in ("operator", "admin"))


@pytest.mark.parametrize("group", ["support", "operator", "billing"])
def test_only_admins_purge(group) -> None:
    organization_in("past its retention", "acme")
    make_operator(group, email="op@pulse.example")
    status, refusal = document("reap", "--live", "--actor", "op@pulse.example")
    assert (status, refusal["code"]) == (1, "permission_denied")
    assert status_of("acme") == "pending_deletion"


@pytest.mark.parametrize("email", ["nobody@example.com", "owner@acme.example", ""])
def test_an_actor_who_is_no_operator_does_nothing(email) -> None:
    make_organization("acme")
    with pytest.raises(CommandError, match="no operator"):
        run("suspend", "acme", "--actor", email)
    assert status_of("acme") == "active"


def test_an_operator_who_was_shut_out_does_nothing() -> None:
    make_organization("acme")
    operator = make_operator("admin", email="op@pulse.example")
    operator.is_active = False
    operator.save()
    assert document("suspend", "acme", "--actor", "op@pulse.example")[0] == 1
    assert status_of("acme") == "active"


def test_provision_makes_one_and_answers_the_existing_one() -> None:
    argv = ["provision", "--email", "ann@example.com", "--name", "Acme Ltd"]
    made, again = document(*argv, "--id", "acme"), document(*argv)
    assert (made[0], again[0]) == (0, 0)
    assert (made[1]["id"], made[1]["existing"], made[1]["owner_email"]) == ("acme", False, "ann@example.com")
    assert again[1] == made[1] | {"existing": True}
    assert run(*argv)[1] == "acme exists already (active).\n"


def test_a_refused_provision_is_a_problem_in_json_and_a_line_else() -> None:
    argv = ["provision", "--email", "nonsense", "--name", "Acme Ltd"]
    status, problem = document(*argv)
    assert (status, problem["code"], problem["status"]) == (1, "invalid_email", 400)
    assert run(*argv) == (1, "", "invalid_email: This is not a valid e-mail address.\n")


def test_organizations_are_listed_filtered_and_searched() -> None:
    organization_in("suspended", "paused")
    organization_in("purged", "gone")
    make_organization("acme")
    ids = lambda *argv: [row["id"] for row in document("organizations", *argv)[1]]  # noqa: E731
    assert ids() == ["acme", "default", "paused"]
    assert ids("--status", "suspended") == ["paused"]
    assert ids("--status", "purged") == ["gone"]
    assert ids("--search", "CM") == ["acme"]
    assert ids("--search", "owner@ACME") == ["acme"]
    assert run("organizations", "--search", "nobody")[1] == "No organizations.\n"


def test_piped_output_is_plain_lines_between_tabs() -> None:
    make_organization("acme", name="Acme [red] Ltd")
    rows = table("organizations")
    assert [row["id"] for row in rows] == ["acme", "default"]
    assert rows[0]["display_name"] == "Acme [red] Ltd"
    assert (rows[0]["status"], rows[1]["owner_email"]) == ("active", "")


@pytest.mark.parametrize("days", ["0", "-1", "3651", "1000000000"])
def test_soft_delete_refuses_such_a_retention(days) -> None:
    make_organization("acme")
    status, [row] = document("soft_delete", "acme", f"--retention-days={days}")
    assert (status, row["result"]) == (1, "invalid_retention_days")


def test_soft_delete_tells_the_end_of_the_retention() -> None:
    make_organization("acme")
    status, [row] = document("soft_delete", "acme", "--retention-days", "7")
    assert status == 0
    assert row["purge_after"] == Organization.objects.get(id="acme").purge_after.isoformat(
        timespec="milliseconds"
    ).replace("+00:00", "Z")


@pytest.mark.parametrize(
    "argv",
    [
        ["suspend"],
        ["soft_delete", "acme", "--retention-days", "1.5"],
        ["organizations", "--status", "odd"],
        ["create_token", "--operator", "a@example.com", "--organization", "acme"],
        ["create_token", "--organization", "acme"],
        ["nothing_of_the_kind"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_command_error(argv) -> None:
    with pytest.raises(CommandError):
        run(*argv)


def test_a_real_process_ends_with_the_codes_that_scripts_use() -> None:
    make_organization("acme")
    refused = processes.manage("suspend", "acme", "nobody", "--json")
    assert [row["result"] for row in json.loads(refused.stdout)] == ["done", "not_found"]
    done = processes.manage("unsuspend", "acme")
    misused = processes.manage("soft_delete", "acme", "--retention-days", "x")
    assert (refused.returncode, done.returncode, misused.returncode) == (1, 0, 2)
    assert status_of("acme") == "active"

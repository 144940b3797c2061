"""The commands that care for tenants: purging, clearing, checking, exporting, and making tokens."""

import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.test import Client

from tenants.models import Organization
from tests.api import Caller
from tests.factories import make_operator, make_organization, owner_of
from tests.tenants.shell import document, run
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")


def status_of(organization_id: str) -> str:
    return Organization.objects.get(id=organization_id).status


def test_a_dry_run_of_the_reaper_purges_nothing() -> None:
    organization_in("past its retention", "acme")
    status, [row] = document("reap")
    assert (status, row["id"], row["result"]) == (0, "acme", "would be purged")
    assert row["purge_after"].endswith("Z")
    assert status_of("acme") == "pending_deletion"


def test_a_live_run_of_the_reaper_purges() -> None:
    organization_in("past its retention", "acme")
    status, [row] = document("reap", "--live")
    assert (status, row["id"], row["result"]) == (0, "acme", "purged")
    assert status_of("acme") == "purged"
    assert document("reap", "--live") == (0, [])


def test_reconcile_tells_what_it_cleared_and_made(data_dir: Path) -> None:
    (data_dir / "orgs" / "ghost").mkdir(parents=True)
    status, rows = document("reconcile")
    assert status == 0
    assert rows == [{"result": "cleared", "what": "rbac: ghost"}, {"result": "made", "what": "rbac: default"}]
    assert run("reconcile")[1] == "Nothing was left behind.\n"


def test_verify_tells_the_findings_and_checks_the_others(data_dir: Path) -> None:
    for name in ("acme", "broken", "whole"):
        make_organization(name)
    (data_dir / "orgs" / "broken" / "rbac.db").write_bytes(b"")
    status, rows = document("verify_tenants", "nobody", "broken", "whole")
    assert status == 1
    assert [(row["id"], row["resource"]) for row in rows] == [("nobody", ""), ("broken", "rbac")]
    assert rows[0]["finding"].startswith("not_found")
    assert run("verify_tenants", "acme", "whole") == (0, "2 tenants are whole.\n", "")


def test_verify_without_ids_checks_all() -> None:
    make_organization("acme")
    run("reconcile")
    assert document("verify_tenants") == (0, [])


def test_a_token_is_printed_and_works() -> None:
    make_organization("acme")
    argv = ["create_token", "--organization", "acme", "--user", "OWNER@acme.example"]
    status, out, _ = run(*argv)
    assert status == 0
    assert Caller(Client(), out.strip()).get("/api/org").status_code == 200
    status, shown = document(*argv, "--scope", "read", "--expires-days", "7")
    assert (status, shown["scopes"]) == (0, ["read"])
    assert shown["expires_at"].endswith("Z")


def test_an_operators_token_is_printed_and_works() -> None:
    make_operator("support", email="op@pulse.example")
    _, out, _ = run("create_token", "--operator", "op@pulse.example")
    assert Caller(Client(), out.strip()).get("/api/admin/orgs").status_code == 200


NO_TOKENS = [
    (["--operator", "owner@acme.example"], "not_an_operator"),
    (["--organization", "nobody", "--user", "owner@acme.example"], "not_found"),
    (["--organization", "acme", "--user", "nobody@example.com"], "user_not_found"),
    (["--organization", "other", "--user", "owner@acme.example"], "not_a_member"),
    (["--organization", "acme", "--user", "owner@acme.example", "--expires-days=0"], "invalid_expiry"),
    (
        ["--organization", "acme", "--user", "owner@acme.example", "--expires-days=9999999"],
        "invalid_expiry",
    ),
]


def test_a_token_that_cannot_be_is_refused() -> None:
    make_organization("acme")
    make_organization("other")
    for argv, refusal in NO_TOKENS:
        status, problem = document("create_token", *argv)
        assert (argv, status, problem["code"]) == (argv, 1, refusal)
    assert not owner_of("acme").tokens.exists()


def test_who_may_make_tokens_for_themselves_alone_learns_of_nobody_else() -> None:
    make_operator("support", email="op@pulse.example")
    as_support = ("create_token", "--actor", "op@pulse.example", "--operator")
    assert document(*as_support, "nobody@example.com")[1]["code"] == "permission_denied"
    assert document(*as_support, "OP@pulse.example")[0] == 0


def test_an_export_is_written_once(tmp_path: Path) -> None:
    make_organization("acme")
    file = tmp_path / "acme.zip"
    status, manifest = document("export_tenant", "acme", "--output", str(file))
    assert (status, manifest["organization"]) == (0, "acme")
    assert set(zipfile.ZipFile(file).namelist()) == {*manifest["files"], "manifest.json"}
    before = file.read_bytes()
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        run("export_tenant", "acme", "--output", str(file))
    assert file.read_bytes() == before


def test_an_export_that_fails_leaves_no_file(tmp_path: Path, data_dir: Path) -> None:
    make_organization("acme")
    (data_dir / "orgs" / "acme" / "rbac.db").write_bytes(b"")
    file = tmp_path / "acme.zip"
    for name in ("acme", "nobody"):
        assert run("export_tenant", name, "--output", str(file))[0] == 1
        assert not file.exists()
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_tenant", "acme", "--output", str(tmp_path / "missing" / "acme.zip"))

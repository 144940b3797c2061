"""The guide's backup and restore of a whole installation, on a machine that has nothing but the code."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests import needs
from tests.integration.serving import Installation, installation, serve
from tests.processes import ROOT, bearer, environment

pytestmark = [
    needs.program("pg_dump", package="postgresql-client"),
    needs.program("pg_restore", package="postgresql-client"),
]


def script(name: str, folder: Path, ours: Installation) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ROOT / "docs" / name), str(folder)],
        cwd=ROOT,
        env=environment(**ours.settings(PYTHON=sys.executable)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def damage(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def sign(folder: Path) -> None:
    """As if the copy had been damaged before its checksum was made."""
    sums = "find . -type f ! -name SHA256SUMS -print0 | xargs -0 sha256sum"
    done = subprocess.run(["bash", "-c", sums], cwd=folder, capture_output=True, check=True)
    (folder / "SHA256SUMS").write_bytes(done.stdout)


def said(ours: Installation, *arguments: str) -> str:
    done = ours.manage(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.drill
def test_an_installation_comes_back_on_a_new_machine(tmp_path: Path):
    with installation(tmp_path / "old") as old, installation(tmp_path / "new") as new:
        with serve(old):
            said(old, "provision", "--email", "ann@acme.example", "--name", "Acme Ltd", "--id", "acme")
            said(old, "provision", "--email", "bob@globex.example", "--name", "Globex", "--id", "globex")
            token = said(old, "create_token", "--organization", "acme", "--user", "ann@acme.example")
            said(old, "suspend", "globex", "--reason", "unpaid")
            backed_up = script("backup.sh", tmp_path / "backup", old)
            said(old, "unsuspend", "globex")
        restored = script("restore.sh", tmp_path / "backup", new)

        assert (backed_up.returncode, restored.returncode) == (0, 0), backed_up.stderr + restored.stderr
        assert "3 tenants are whole." in restored.stdout
        assert "globex" in said(new, "organizations", "--status", "suspended")
        with serve(new) as running:
            answer = requests.get(f"{running.base}/api/org/roles", **bearer(token))
        assert answer.status_code == 200
        assert "admin" in answer.text


@pytest.mark.drill
def test_a_backup_that_was_changed_is_refused_before_anything_is_written(tmp_path: Path):
    with installation(tmp_path / "old") as old, installation(tmp_path / "new") as new:
        said(old, "migrate", "-v0")
        said(old, "reconcile")
        assert script("backup.sh", tmp_path / "backup", old).returncode == 0
        [copy] = (tmp_path / "backup" / "backups" / "default").glob("*/rbac.db")
        with copy.open("ab") as file:
            file.write(b"!")

        assert script("restore.sh", tmp_path / "backup", new).returncode != 0
        assert not (tmp_path / "new" / "data").exists()


@pytest.mark.drill
def test_one_tenant_that_is_damaged_keeps_no_other_from_coming_back(tmp_path: Path):
    with installation(tmp_path / "old") as old, installation(tmp_path / "new") as new:
        said(old, "migrate", "-v0")
        for name in ("acme", "globex"):
            said(old, "provision", "--email", f"ann@{name}.example", "--name", name, "--id", name)
        said(old, "reconcile")
        said(old, "backup_tenants")
        damage(old.home / "data" / "orgs" / "acme" / "rbac.db")
        backed_up = script("backup.sh", tmp_path / "backup", old)
        assert backed_up.returncode == 1
        assert "Some tenants were not backed up" in backed_up.stderr
        [copy] = (tmp_path / "backup" / "backups" / "acme").glob("*/rbac.db")
        damage(copy)
        sign(tmp_path / "backup")

        restored = script("restore.sh", tmp_path / "backup", new)
        assert restored.returncode == 1
        assert "Not restored: acme." in restored.stderr
        assert "globex" in said(new, "organizations")
        assert said(new, "verify_tenants", "globex")

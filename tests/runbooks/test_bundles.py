"""Bundles of evidence: another machine verifies one without our database, and keeps it apart from its own."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from pulse.models import AuditEvent
from pulse.problems import PermissionRefused
from runbooks import bundles, errors, evidence
from runbooks.models import EvidenceBundle, EvidenceRecord
from tests.factories import SYSTEM, acting, make_operator
from tests.runbooks.tampering import drop_triggers, sql
from tests.runbooks.world import OK, Repository, approve, implement, last_record, packet

pytestmark = pytest.mark.usefixtures("database")

Files = dict[str, bytes]


@pytest.fixture
def bundle(repository: Repository) -> bytes:
    """Of three records."""
    implement(repository.packet(OK, ["echo", "two"], ["echo", "three"]))
    return bundles.export(actor=SYSTEM)


def changed(bundle: bytes, change: Callable[[Files], Any]) -> bytes:
    """The bundle with its files changed."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as before:
        files = {name: before.read(name) for name in before.namelist()}
    change(files)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as after:
        for name, content in files.items():
            after.writestr(name, content)
    return written.getvalue()


def replace(name: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return change


def drop_line(number: int) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        lines = files["records.jsonl"].splitlines(keepends=True)
        del lines[number]
        manifest = json.loads(files["manifest.json"]) | {"records": len(lines)}
        files |= {"records.jsonl": b"".join(lines), "manifest.json": json.dumps(manifest).encode()}

    return change


def forget_everything() -> None:
    """As on a machine that has no such evidence."""
    drop_triggers()
    sql("DELETE FROM runbooks_packet")
    sql("DELETE FROM runbooks_evidencerecord")


def test_a_bundle_is_verified_without_our_records(bundle: bytes) -> None:
    last = last_record()
    forget_everything()
    verified = bundles.verify(bundle)
    assert (verified.first, verified.last, verified.records) == (1, 3, 3)
    assert verified.last_hash == last.hash


@pytest.mark.parametrize(("change", "refusal"), [
    (replace("records.jsonl", b'"exit_code": 0', b'"exit_code": 1'), "record 1: its content"),
    (replace("outputs/2.txt", b"two", b"2!!"), "record 2: its output does not match"),
    (drop_line(1), "record 2: record 2 is missing"),
    (drop_line(0), ""),
    (replace("records.jsonl", b'"host": ', b'"hosts": '), "the fields that one has"),
    (replace("manifest.json", b'"records": 3', b'"records": 4'), "as many records as it says"),
    (replace("manifest.json", b"pulse-evidence-1", b"pulse-evidence-9"), "format"),
    (lambda files: files.pop("outputs/3.txt"), "no bundle of evidence"),
    (lambda files: files.pop("manifest.json"), "no bundle of evidence"),
    (lambda files: files.update({"records.jsonl": b"{"}), "no bundle of evidence"),
])  # fmt: skip
def test_a_bundle_that_was_touched_is_refused(bundle: bytes, change: Any, refusal: str) -> None:
    touched = changed(bundle, change)
    if not refusal:  # A segment may begin anywhere: it is whole, and says where it begins.
        assert bundles.verify(touched).first == 2
        return
    with pytest.raises(errors.InvalidBundle, match=refusal):
        bundles.verify(touched)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_what_is_no_bundle_is_refused(content: bytes) -> None:
    with pytest.raises(errors.InvalidBundle):
        bundles.verify(content)


def test_an_imported_bundle_is_kept_apart_from_our_own_chain(bundle: bytes) -> None:
    kept = bundles.import_(bundle, actor=SYSTEM)
    assert (kept.first, kept.last, bytes(kept.content)) == (1, 3, bundle)
    assert EvidenceRecord.objects.count() == 3
    assert evidence.verify() is None
    assert AuditEvent.objects.first().verb == "evidence.import"


def test_a_bundle_is_imported_once(bundle: bytes) -> None:
    bundles.import_(bundle, actor=SYSTEM)
    with pytest.raises(errors.BundleKnown):
        bundles.import_(bundle, actor=SYSTEM)


def test_a_broken_bundle_is_not_imported(bundle: bytes) -> None:
    with pytest.raises(errors.InvalidBundle):
        bundles.import_(changed(bundle, replace("outputs/1.txt", b"fine", b"fin!")), actor=SYSTEM)
    assert not EvidenceBundle.objects.exists()


def test_a_packets_bundle_begins_with_its_latest_two_runs(repository: Repository) -> None:
    repository.lane(packet("ONE"), packet("TWO"))
    from runbooks import lanes

    implement(lanes.find_packet("ONE"))
    approve(lanes.find_packet("TWO"))
    verified = bundles.verify(bundles.export(actor=SYSTEM, packet="TWO"))
    assert (verified.first, verified.last) == (2, 3)


def test_there_is_nothing_to_export_before_anything_was_run() -> None:
    for name in ("", "ONE"):
        with pytest.raises(errors.NothingToExport):
            bundles.export(actor=SYSTEM, packet=name)


def test_export_and_import_take_a_permission(bundle: bytes) -> None:
    support = acting(make_operator("support"))
    with pytest.raises(PermissionRefused):
        bundles.export(actor=support)
    with pytest.raises(PermissionRefused):
        bundles.import_(bundle, actor=support)


def test_the_commands_export_verify_and_import(repository: Repository, tmp_path: Path, capsys) -> None:
    implement(repository.packet())
    file = str(tmp_path / "evidence.zip")
    call_command("evidence", "export", file)
    call_command("evidence", "verify", "--bundle", file)
    assert "1 records, is whole" in capsys.readouterr().out
    call_command("evidence", "import", file)
    with pytest.raises(SystemExit):
        call_command("evidence", "import", file)
    assert capsys.readouterr().err.startswith("bundle_known")

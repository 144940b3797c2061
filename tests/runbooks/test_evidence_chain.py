"""The chain of evidence: append-only, and broken wherever a hand touched it."""

import zlib
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from pulse.chain import Broken
from runbooks import evidence
from runbooks.models import EvidenceHead, EvidenceRecord
from tests.factories import SYSTEM
from tests.runbooks.tampering import drop_triggers, set_column, sql

pytestmark = pytest.mark.usefixtures("database")


def record(drill: str = "gate-closing", *, passed: bool = True) -> EvidenceRecord:
    return evidence.record_drill(
        drill, passed=passed, journal=f"{drill}: ü", started_at=timezone.now(), seconds=0.1, actor=SYSTEM
    )


def test_a_drill_is_recorded_with_its_journal_and_the_code_that_it_ran() -> None:
    kept = record(passed=False)
    assert evidence.output_of(kept) == "gate-closing: ü"
    assert (kept.exit_code, kept.passed, kept.failure) == (1, False, "drill_failed")
    assert kept.version == kept.run.version != ""


def test_a_whole_chain_holds() -> None:
    for _ in range(3):
        record()
    assert evidence.verify() is None


@pytest.mark.parametrize("statement", [
    "UPDATE runbooks_evidencerecord SET passed = NOT passed",
    "DELETE FROM runbooks_evidencerecord",
])  # fmt: skip
def test_the_database_refuses_to_change_a_record(statement: str) -> None:
    record()
    with pytest.raises(DatabaseError):
        sql(statement)


@pytest.mark.parametrize(("column", "value"), [
    ("exit_code", 0),
    ("failure", ""),
    ("argv", '["true"]'),
    ("version", "f" * 40),
    ("actor", "somebody"),
    ("host", "elsewhere"),
    ("seconds", 9.5),
    ("run_id", None),
    ("output_bytes", 3),
    ("junit", '{"tests": 5}'),
])  # fmt: skip
def test_a_changed_record_is_found(column: str, value: Any) -> None:
    record(passed=False)
    record(passed=False)
    other = record(passed=False)
    drop_triggers()
    set_column(column, other.run_id if column == "run_id" else value, sequence=2)
    assert evidence.verify() == Broken(2, "its content does not match its hash")


def test_a_changed_output_is_found() -> None:
    record()
    record()
    drop_triggers()
    set_column("output", zlib.compress(b"all is well"), sequence=1)
    assert evidence.verify() == Broken(1, "its output does not match its hash")


def test_an_output_that_is_no_zlib_is_found() -> None:
    record()
    drop_triggers()
    set_column("output", b"garbage", sequence=1)
    assert evidence.verify() == Broken(1, "its output cannot be read")


def test_a_removed_record_is_found() -> None:
    for _ in range(3):
        record()
    drop_triggers()
    sql("DELETE FROM runbooks_evidencerecord WHERE sequence = 2")
    assert evidence.verify() == Broken(2, "record 2 is missing")


def test_a_cut_off_end_is_found() -> None:
    record()
    record()
    drop_triggers()
    sql("DELETE FROM runbooks_evidencerecord WHERE sequence = 2")
    assert evidence.verify() == Broken(2, "the evidence ends before record 2")


def test_a_record_that_is_slipped_in_behind_the_head_is_found() -> None:
    record()
    record()
    EvidenceHead.objects.update(
        sequence=1, hash=EvidenceRecord.objects.values_list("hash", flat=True).get(sequence=1)
    )
    assert evidence.verify() == Broken(2, "the head does not know of it")

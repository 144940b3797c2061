"""The audit log: written with its change, refused to any other hand, and broken wherever it was touched."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from pulse import audit
from pulse.chain import GENESIS
from pulse.models import AuditEvent, AuditHead
from pulse.problems import InvalidReason
from tests import snapshots
from tests.factories import SYSTEM, make_operator
from tests.pulse import chain

pytestmark = pytest.mark.usefixtures("database")

WRITERS, EACH = 8, 5

REFUSED = [
    "UPDATE pulse_auditevent SET reason = 'nothing' WHERE sequence = 2",
    "UPDATE pulse_auditevent SET hash = hash",
    "DELETE FROM pulse_auditevent WHERE sequence = 3",
    "DELETE FROM pulse_auditevent",
]
if connection.vendor == "postgresql":
    REFUSED.append("TRUNCATE pulse_auditevent CASCADE")
TAMPERINGS: list[tuple[str, Callable[[], None], int]] = [
    ("the verb", lambda: chain.set_column("verb", "test.other", sequence=3), 3),
    ("the actor", lambda: chain.set_column("actor", "job:other", sequence=3), 3),
    ("the reason", lambda: chain.set_column("reason", "", sequence=1), 1),
    ("the instant", lambda: chain.set_column("at", "2020-01-01 00:00:00+00:00", sequence=5), 5),
    ("the content before", lambda: chain.set_column("before", '{"status": "active"}', sequence=2), 2),
    ("the hash", lambda: chain.set_column("hash", "f" * 64, sequence=2), 2),
    ("the link", lambda: chain.set_column("previous_hash", "f" * 64, sequence=4), 4),
    ("the first event", lambda: chain.sql("DELETE FROM pulse_auditevent WHERE sequence = 1"), 1),
    ("the middle", lambda: chain.sql("DELETE FROM pulse_auditevent WHERE sequence = 3"), 3),
    ("the end", lambda: chain.sql("DELETE FROM pulse_auditevent WHERE sequence >= 4"), 4),
    ("everything", lambda: chain.sql("DELETE FROM pulse_auditevent"), 1),
    ("the order", lambda: chain.swap(2, 3), 2),
    ("the head's sequence", lambda: chain.sql("UPDATE pulse_audithead SET sequence = 3"), 3),
    ("the head, put back", lambda: chain.put_head_back_to(3), 4),
    ("the head itself", lambda: chain.sql("DELETE FROM pulse_audithead"), 1),
    ("the head's hash", lambda: chain.sql("UPDATE pulse_audithead SET hash = %s", "0" * 64), 5),
]


def rewrite_with_fitting_hash() -> None:
    chain.set_column("verb", "test.other", sequence=3)
    chain.rehash(3)


def replace_the_last() -> None:
    chain.set_column("verb", "test.other", sequence=5)
    chain.rehash(5)


def test_an_empty_log_is_whole() -> None:
    assert audit.verify() is None


def test_each_event_follows_the_one_before_it() -> None:
    chain.write(3)
    first, second, third = AuditEvent.objects.order_by("sequence")
    assert first.previous_hash == GENESIS
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    assert audit.verify() is None


def test_an_event_keeps_who_did_what_to_what() -> None:
    audit.record("test.change", actor=SYSTEM, organization="acme", before={"a": 1}, after={"a": None})
    event = AuditEvent.objects.get()
    assert (event.actor_kind, event.actor, event.door) == ("system", "job:test", "job")
    assert (event.organization, event.before, event.after) == ("acme", {"a": 1}, {"a": None})


@pytest.mark.parametrize(
    "content", [{"z": 1, "a": [True, None, 1.5, "ü"]}, {"nested": {"b": {}, "a": []}}, {}, {"big": 2**60}]
)
def test_the_databases_own_spelling_of_json_keeps_the_hash(content: dict[str, object]) -> None:
    audit.record("test.change", actor=SYSTEM, before=content, after=content)
    assert audit.verify() is None


def test_an_event_is_rolled_back_with_its_change() -> None:
    chain.write(1)
    with transaction.atomic():
        chain.write(1)
        transaction.set_rollback(True)
    chain.write(1)
    assert list(AuditEvent.objects.values_list("sequence", flat=True)) == [2, 1]
    assert audit.verify() is None


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "\x00"])
def test_a_reason_that_cannot_be_kept_is_refused(reason: str) -> None:
    with pytest.raises(InvalidReason):
        audit.record("test.change", actor=SYSTEM, reason=reason)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_refuses_to_change_or_delete(statement: str) -> None:
    chain.write(3)
    with pytest.raises(DatabaseError, match="append-only"):
        chain.sql(statement)
    assert AuditEvent.objects.count() == 3
    assert audit.verify() is None


@pytest.mark.parametrize("column", ["sequence", "hash"])
def test_the_database_refuses_to_replace(column: str) -> None:
    """SQLite's REPLACE deletes the row in its way without asking the triggers of DELETE."""
    if connection.vendor == "sqlite":
        statement = "INSERT OR REPLACE INTO pulse_auditevent"
        end = ""
    else:
        statement = "INSERT INTO pulse_auditevent"
        end = f"ON CONFLICT ({column}) DO UPDATE SET reason = 'other'"
    chain.write(2)
    kept = {"sequence": "sequence", "hash": "hash"}
    other = {"sequence": "9", "hash": "'f'"}
    given = other | {column: kept[column]}
    names = [field.column for field in AuditEvent._meta.concrete_fields]
    quoted = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(given.get(name, f'"{name}"') for name in names)
    with pytest.raises(DatabaseError, match="append-only"):
        chain.sql(f"{statement} ({quoted}) SELECT {values} FROM pulse_auditevent WHERE sequence = 1 {end}")


@pytest.mark.parametrize(("what", "tamper", "sequence"), TAMPERINGS, ids=[what for what, *_ in TAMPERINGS])
def test_verify_names_the_first_broken_link(what: str, tamper: Callable[[], None], sequence: int) -> None:
    chain.write(5)
    chain.drop_triggers()
    tamper()
    broken = audit.verify()
    assert broken is not None
    assert broken.sequence == sequence


@pytest.mark.parametrize(("forge", "sequence"), [(rewrite_with_fitting_hash, 4), (replace_the_last, 5)])
def test_a_forged_event_whose_own_hash_fits_is_found(forge: Callable[[], None], sequence: int) -> None:
    chain.write(5)
    chain.drop_triggers()
    forge()
    broken = audit.verify()
    assert broken is not None
    assert broken.sequence == sequence


def test_verify_names_the_first_of_several() -> None:
    chain.write(5)
    chain.drop_triggers()
    chain.set_column("verb", "test.other", sequence=4)
    chain.set_column("verb", "test.other", sequence=2)
    assert audit.verify() == audit.Broken(2, "its content does not match its hash")


class WriterBefore:
    """Appends an event before each look that the code under test takes at the head."""

    def __init__(self) -> None:
        self.writing = False

    def __call__(self, execute, statement, parameters, many, context):
        if "pulse_audithead" in statement and not self.writing:
            self.writing = True
            chain.write(1)
            self.writing = False
        return execute(statement, parameters, many, context)


def test_verify_beside_a_writer_raises_no_false_alarm() -> None:
    chain.write(2)
    with connection.execute_wrapper(WriterBefore()):
        assert audit.verify() is None
    assert AuditEvent.objects.count() > 2


def write_and_close(number: int) -> None:
    chain.write(EACH)
    connection.close()


def assert_whole_and_complete() -> None:
    sequences = list(AuditEvent.objects.order_by("sequence").values_list("sequence", flat=True))
    assert sequences == list(range(1, WRITERS * EACH + 1))
    assert AuditHead.objects.get().sequence == WRITERS * EACH
    assert audit.verify() is None


def test_eight_threads_write_one_chain_without_gaps() -> None:
    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write_and_close, range(WRITERS)))
    assert_whole_and_complete()


def test_eight_processes_write_one_chain_without_gaps() -> None:
    snapshots.close_pools()
    fork = get_context("fork")
    writers = [fork.Process(target=write_and_close, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert_whole_and_complete()


def test_the_command_proves_a_whole_chain(capsys) -> None:
    chain.write(2)
    call_command("audit", "verify")
    assert capsys.readouterr().out == "The chain of 2 events is whole.\n"


def test_the_command_names_the_broken_link_and_ends_with_1(capsys) -> None:
    chain.write(3)
    chain.drop_triggers()
    chain.set_column("verb", "test.other", sequence=2)
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "Broken at event 2: its content does not match its hash.\n"


def test_the_command_tells_the_broken_link_in_json(capsys) -> None:
    chain.write(2)
    chain.drop_triggers()
    chain.sql("DELETE FROM pulse_auditevent WHERE sequence = 2")
    with pytest.raises(SystemExit):
        call_command("audit", "verify", "--json")
    first = {"sequence": 2, "reason": "the log ends before event 2"}
    assert json.loads(capsys.readouterr().out) == {"whole": False, "events": 1, "first_broken": first}


def test_tail_ends_with_the_newest(capsys) -> None:
    chain.write(5)
    call_command("audit", "tail", "--lines", "2", "--json")
    events = json.loads(capsys.readouterr().out)
    assert [event["verb"] for event in events] == ["test.event4", "test.event5"]


def test_tail_of_one_organization(capsys) -> None:
    chain.write(1)
    audit.record("test.elsewhere", actor=SYSTEM, organization="other")
    call_command("audit", "tail", "--organization", "other", "--json")
    assert [event["verb"] for event in json.loads(capsys.readouterr().out)] == ["test.elsewhere"]


@pytest.mark.parametrize("lines", ["0", "-1"])
def test_tail_of_no_lines_is_empty(capsys, lines: str) -> None:
    chain.write(1)
    call_command("audit", "tail", f"--lines={lines}")
    assert capsys.readouterr().out == "No events.\n"


@pytest.mark.parametrize("group", ["support", "operator", "billing", "admin"])
def test_every_operator_may_read_the_log(capsys, group: str) -> None:
    call_command("audit", "verify", "--actor", make_operator(group).email)
    assert "is whole" in capsys.readouterr().out


def test_an_operator_without_a_group_may_not(capsys) -> None:
    outsider = make_operator("support")
    outsider.groups.clear()
    with pytest.raises(SystemExit):
        call_command("audit", "tail", "--actor", outsider.email)
    assert capsys.readouterr().err.startswith("permission_denied")

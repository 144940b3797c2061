"""The board: computed from packets, conditions and drills, explained line by line, answered by exit code."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command, execute_from_command_line
from django.utils import timezone

from runbooks import lanes, readiness
from runbooks.models import DrillRun, Outcome, Packet
from tests.processes import manage
from tests.runbooks.tampering import drop_triggers, set_column
from tests.runbooks.world import Repository, approve, drilled, implement, packet, ready

pytestmark = pytest.mark.usefixtures("database")

CONDITION = {
    "id": "C9", "title": "A condition", "blocks": ["private_beta"], "proved_by": {"drill": "gate-closing"},
}  # fmt: skip


def answer(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        call_command("readiness", *arguments)
    return ended.value.code


def line(name: str, *, stage: str = "private_beta", kind: str = "") -> readiness.Line:
    return next(
        found for found in readiness.compute(stage).lines if found.id == name and kind in ("", found.kind)
    )


def test_a_new_installation_is_no_go() -> None:
    assert answer() == 2


def test_with_everything_proved_but_what_was_put_off_it_is_go_with_conditions(repository: Repository) -> None:
    ready()
    assert answer("--stage", "private_beta") == 1


def test_with_nothing_left_open_it_is_go(repository: Repository) -> None:
    ready(stage="ga")
    assert answer("--stage", "ga") == 0


def test_an_open_condition_that_blocks_the_stage_is_no_go(repository: Repository) -> None:
    ready()
    DrillRun.objects.filter(drill="gate-closing").delete()
    assert answer("--stage", "private_beta") == 2
    assert line("C1").why == "the drill gate-closing was never held"


def test_an_item_of_the_register_keeps_general_availability_alone(repository: Repository) -> None:
    assert line("GA-4").blocks is False
    assert line("GA-4", stage="ga").blocks is True


def test_a_drill_that_failed_last_opens_its_condition(repository: Repository) -> None:
    ready()
    drilled("gate-closing", state="failed")
    assert (line("C1").state, line("C1").why) == ("open", "the drill gate-closing failed")
    drilled("gate-closing")
    assert line("C1").state == "met"


def test_a_drill_of_no_condition_blocks_too_when_it_failed_last(repository: Repository) -> None:
    ready(stage="ga")
    drilled("worker-dead", state="failed")
    assert (line("worker-dead", stage="ga").state, answer("--stage", "ga")) == ("failed", 2)
    drilled("worker-dead")
    assert answer("--stage", "ga") == 0


def test_a_drill_ages(repository: Repository) -> None:
    ready()
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert line("C1").state == "open"


def test_a_drill_that_the_chain_knows_nothing_of_proves_nothing(repository: Repository) -> None:
    ready()
    DrillRun.objects.filter(drill="gate-closing").update(evidence=None)
    assert (line("C1").state, line("C1").why) == ("open", "no evidence says that gate-closing passed")


def test_a_packet_whose_evidence_is_another_s_does_not_count(repository: Repository) -> None:
    ready()
    other = Packet.objects.get(name="HOP-01")
    Packet.objects.filter(name="HOP-02").update(implementation=other.implementation, review=other.review)
    assert (line("HOP-02").state, line("HOP-02").why) == (
        "stale", "its evidence is not of the commands that it has",
    )  # fmt: skip


def test_a_packet_that_has_got_another_command_is_stale(repository: Repository) -> None:
    approve(repository.packet())
    assert line("ONE").state == "approved"
    repository.packet(["echo", "fine"], ["echo", "better"])
    assert line("ONE").state == "stale"


def test_a_packet_tells_what_to_do_next(repository: Repository) -> None:
    one = repository.packet()
    assert line("ONE").next == "manage.py evidence run ONE --as implementer"
    implement(one)
    assert line("ONE").next == "manage.py evidence run ONE --as reviewer, by somebody else"


def test_a_stale_packet_keeps_the_stage_and_says_why(repository: Repository) -> None:
    ready()
    repository.commit()
    assert line("HOP-02").state == "stale"
    assert "the code is" in line("HOP-02").why
    assert readiness.compute("private_beta").outcome == Outcome.NO_GO


def test_a_lane_of_ones_own_counts_as_the_shipped_one(repository: Repository) -> None:
    ready()
    repository.lane(packet("ONE"), conditions=[CONDITION])
    assert readiness.compute("private_beta").outcome == Outcome.NO_GO


def test_evidence_that_was_tampered_with_is_no_go(repository: Repository) -> None:
    ready(stage="ga")
    implement(repository.packet())
    drop_triggers()
    set_column("exit_code", 7, sequence=1)
    assert line("chain").why == "record 1: its content does not match its hash"
    assert answer("--stage", "ga") == 2


def test_a_lane_that_cannot_be_read_is_no_go(repository: Repository, capsys) -> None:
    ready()
    repository.write("lane: [")
    assert answer("--stage", "private_beta", "--json") == 2
    assert "own.yaml:2: " in capsys.readouterr().out


def test_the_board_is_one_json_document(repository: Repository, capsys) -> None:
    answer("--json")
    board = json.loads(capsys.readouterr().out)
    assert (board["stage"], board["outcome"], board["verdict_stands"]) == ("private_beta", "NO_GO", False)
    assert {found["id"] for found in board["lines"]} >= {"chain", "HOP-00", "C1", "GA-8"}


def test_the_table_shows_each_line_and_what_to_do(repository: Repository, capsys) -> None:
    answer()
    told = capsys.readouterr().out
    assert "private_beta: NO_GO" in told
    assert "manage.py evidence run HOP-00 --as implementer" in told
    assert "No signed verdict stands: the gate is shut." in told


def test_a_report_is_dated_and_makes_no_evidence_stale(repository: Repository) -> None:
    ready()
    answer("--stage", "private_beta", "--report")
    file = repository.folder / "docs" / "readiness" / f"{timezone.now():%Y-%m-%d}-private_beta.md"
    assert "# Readiness for private_beta: GO_WITH_CONDITIONS" in file.read_text()
    assert answer("--stage", "private_beta") == 1


@pytest.mark.parametrize(
    "arguments", [("--stage", "beta"), ("--no-such-option",), ("--actor", "nobody@x.example")]
)
def test_wrong_usage_is_no_answer(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "readiness", *arguments])
    assert ended.value.code == 3


def test_a_database_that_is_away_is_no_answer(tmp_path: Path) -> None:
    away = manage("readiness", DATABASE_URL=f"sqlite:///{tmp_path}/none/none.db")
    assert away.returncode == 3


def test_settings_that_cannot_be_read_are_no_answer() -> None:
    broken = manage("readiness", PULSE_PORT="many")
    assert (broken.returncode, "ValueError" in broken.stderr) == (3, True)


def test_every_packet_of_the_shipped_lane_can_be_proved(repository: Repository) -> None:
    ready(stage="ga")
    assert {found.id for found in readiness.compute("ga").lines if found.kind == "packet"} == set(
        lanes.every()["hosted-operations"].packets
    )

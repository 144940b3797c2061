"""Lanes: what ships, and what is refused with the file and the line that it is about."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from runbooks import lanes
from runbooks.errors import InvalidDocument, PacketNotFound
from tests.runbooks.world import Repository, packet

SOUND = """\
lane: own
title: Our own
goal: To test.
shelf_days: 30
packets:
  - id: ONE
    title: The first
    goal: To test.
    stages: [private_beta]
    acceptance:
      - argv: [manage.py, check]
  - id: TWO
    title: The second
    goal: To test.
    stages: [ga]
    requires: [ONE]
    acceptance:
      - argv: [python, --version]
conditions:
  - id: C9
    title: A condition
    blocks: [ga]
    proved_by: {packet: TWO}
"""


def hosted() -> lanes.Lane:
    return lanes.every()["hosted-operations"]


def test_the_shipped_lane_has_ten_packets_and_five_risks() -> None:
    assert list(hosted().packets) == [f"HOP-0{number}" for number in range(10)]
    assert [risk.id for risk in hosted().risks] == ["R1", "R2", "R3", "R4", "R5"]


def test_the_register_has_eight_items_each_with_its_proof() -> None:
    register = hosted().register
    assert len(register) == 8
    assert all(item.blocks == ("ga",) and (item.packet or item.drill) for item in register)


def test_every_stage_outside_development_has_its_rollout() -> None:
    assert [rollout.stage for rollout in hosted().rollout] == ["private_beta", "public_beta", "ga"]
    for rollout in hosted().rollout:
        assert any(step.verify for step in rollout.enable)
        assert any(step.verify for step in rollout.disable)


def test_every_packet_for_a_stage_is_required_by_the_stages_after_it() -> None:
    order = ["private_beta", "public_beta", "ga"]
    for one in hosted().packets.values():
        assert list(one.stages) == order[order.index(one.stages[0]) :]


def test_operators_add_lanes_of_their_own(repository: Repository) -> None:
    repository.write(SOUND)
    assert list(lanes.every()) == ["hosted-operations", "own"]
    assert lanes.find_packet("TWO").requires == ("ONE",)


def test_a_file_that_changes_is_read_anew(repository: Repository) -> None:
    repository.write(SOUND)
    lanes.every()
    repository.write(SOUND.replace("Our own", "Our very own"))
    assert lanes.every()["own"].title == "Our very own"


@pytest.mark.parametrize(("old", "new", "line", "message"), [
    ("goal: To test.\nshelf", "gaol: To test.\nshelf", 3, "unknown field 'gaol' in the file"),
    ("    stages: [ga]", "    stages: [ga]\n    owner: me", 16, "unknown field 'owner' in packets[1]"),
    ("[manage.py, check]", "[manage.py, chekc]", 11, "manage.py has no command 'chekc'"),
    ("[manage.py, check]", "[no-such-program, x]", 11, "there is no program 'no-such-program' on the PATH"),
    ("[manage.py, check]", "[python, tests/none.py]", 11, "there is no file 'tests/none.py'"),
    ("[manage.py, check]", "[python, -m, no_such_module]", 11, "there is no module 'no_such_module'"),
    ("[manage.py, check]", "[python, -m, no.such]", 11, "there is no module 'no.such'"),
    ("{packet: TWO}", "{drill: no-such-drill}", 23, "there is no drill 'no-such-drill'"),
    ("[manage.py, check]", "[manage.py]", 11, "manage.py has no command ''"),
    ("id: TWO", "id: ONE", 12, "the id 'ONE' stands here for the second time"),
    ("requires: [ONE]", "requires: [SIX]", 16, "there is no packet 'SIX'"),
    ("{packet: TWO}", "{packet: SIX}", 23, "there is no packet 'SIX'"),
    ("    title: The first", "    title: The first\n    requires: [TWO]", 8, "require each other: ONE"),
    ("title: The first", "title: The first\n    title: Again", 8, "'title' stands here for the second time"),
    ("stages: [ga]", "stages: [beta]", 15, "'beta' is not one of"),
    ("shelf_days: 30", "shelf_days: 0", 4, "0 is less than the minimum"),
    ("shelf_days: 30\n", "", 1, "'shelf_days' is a required property"),
    ("lane: own", "lane: hosted-operations", 1, "there is another lane"),
    ("lane: own", "lane: [own", 2, "expected ',' or ']'"),
    ("lane: own", "lane: !!python/object/apply:os.getcwd []", 1, ""),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_file_and_line(
    repository: Repository, old: str, new: str, line: int, message: str
) -> None:
    assert old in SOUND
    file = repository.write(SOUND.replace(old, new, 1))
    with pytest.raises(InvalidDocument) as refused:
        lanes.every()
    assert refused.value.detail.startswith(f"{file}:{line}: ")
    assert message in refused.value.detail


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"- 1\n- 2\n", b"a: &a [*a]\n"])
def test_a_file_that_is_no_lane_is_refused(repository: Repository, content: bytes) -> None:
    (repository.lanes / "own.yaml").write_bytes(content)
    with pytest.raises(InvalidDocument):
        lanes.every()


def test_a_directory_that_is_not_there_is_refused(settings) -> None:
    settings.PULSE_LANES_DIR = "/nowhere/at/all"
    with pytest.raises(InvalidDocument, match="PULSE_LANES_DIR"):
        lanes.every()


def test_a_packet_that_two_lanes_have_is_named_with_its_lane(repository: Repository) -> None:
    repository.lane(packet("HOP-00"))
    with pytest.raises(PacketNotFound, match="Name the lane"):
        lanes.find_packet("HOP-00")
    assert lanes.find_packet("HOP-00", lane="own").title == "Packet HOP-00"


def test_a_command_tells_of_a_lane_that_cannot_be_used(repository: Repository, capsys) -> None:
    file = repository.write(SOUND.replace("goal: To", "gaol: To", 1))
    with pytest.raises(SystemExit):
        call_command("evidence", "run", "ONE", "--as", "implementer", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], Path(told["file"]), told["line"]) == ("invalid_document", file, 3)

"""Packets to run evidence of, and the two people whom it takes."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from pulse.actors import Actor
from runbooks import evidence, lanes, packets, release, runs
from runbooks.models import DrillRun, EvidenceRecord, EvidenceRun, Packet, Role
from runbooks.release import Release
from tests.factories import SYSTEM, acting, make_operator

OK = ["echo", "fine"]


@dataclass
class Repository:
    folder: Path
    lanes: Path

    def commit(self) -> None:
        """Something new."""
        file = self.folder / "code.txt"
        file.write_text(file.read_text() + "more\n" if file.exists() else "some\n")
        self.git("add", "code.txt")
        self.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "Change")

    def change(self) -> None:
        """Something that is in no commit."""
        (self.folder / "code.txt").write_text("changed\n")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.folder, *arguments], check=True)

    def write(self, text: str, *, name: str = "own.yaml") -> Path:
        """A lane's file as it is."""
        file = self.lanes / name
        file.write_text(text)
        return file

    def lane(self, *packets: dict[str, Any], **changes: Any) -> Path:
        """The lane `own` with these packets."""
        whole = {"lane": "own", "title": "Our own", "goal": "To test.", "shelf_days": 30, "packets": packets}
        return self.write(json.dumps(whole | changes, indent=1))

    def packet(self, *commands: Sequence[str], **changes: Any) -> lanes.Packet:
        """The packet ONE of the lane `own`, with these commands or one that does well."""
        self.lane(packet("ONE", *(commands or [OK]), **changes))
        return lanes.find_packet("ONE")


def packet(name: str, *commands: Sequence[str], minutes: float = 1, **changes: Any) -> dict[str, Any]:
    acceptance = [{"argv": list(argv), "minutes": minutes} for argv in (commands or [OK])]
    return {
        "id": name,
        "title": f"Packet {name}",
        "goal": "To test.",
        "stages": ["private_beta"],
        "acceptance": acceptance,
        **changes,
    }


def implementer() -> Actor:
    return acting(make_operator("operator"), door="command")


def reviewer() -> Actor:
    return acting(make_operator("reviewer"), door="command")


def run(proved: lanes.Packet, role: Role, actor: Actor) -> EvidenceRun:
    return runs.run(proved, role=role, actor=actor, show=lambda chunk: None)


def implement(proved: lanes.Packet, actor: Actor | None = None) -> EvidenceRun:
    return run(proved, Role.IMPLEMENTER, actor or implementer())


def review(proved: lanes.Packet, actor: Actor | None = None) -> EvidenceRun:
    return run(proved, Role.REVIEWER, actor or reviewer())


def approve(proved: lanes.Packet) -> None:
    implement(proved)
    review(proved)


def state(proved: lanes.Packet) -> str:
    """As it counts now."""
    return packets.standings()[proved.lane, proved.id].state


def kept_state(proved: lanes.Packet) -> str:
    return Packet.objects.get(lane=proved.lane, name=proved.id).state


def last_record() -> EvidenceRecord:
    return EvidenceRecord.objects.latest("sequence")


def work_off() -> None:
    """What is in the queue, as a worker would."""
    call_command("db_worker", batch=True, worker_id="test", verbosity=0)


def ready(*, stage: str = "private_beta", code: Release | None = None) -> None:
    """Every packet for the stage approved by two runs of this code, and every drill passed, just now."""
    code = code or release.on_disk()
    for lane in lanes.every().values():
        for proved in lane.packets.values():
            if stage in proved.stages:
                approved_row(proved, code)
        for condition in (*lane.conditions, *lane.register):
            if condition.drill and stage in condition.blocks:
                drilled(condition.drill)


def approved_row(proved: lanes.Packet, code: Release) -> None:
    now = timezone.now()
    runs_of_both = [
        EvidenceRun.objects.create(
            lane=proved.lane, subject=proved.id, role=role, actor_kind="user", actor=role, host="here",
            version=code.version, is_dirty=code.is_dirty, process=1, passed=True,
            started_at=now, beat_at=now, ended_at=now,
        )
        for role in (Role.IMPLEMENTER, Role.REVIEWER)
    ]  # fmt: skip
    for run in runs_of_both:
        for command in proved.acceptance:
            evidence.append(
                run, argv=list(command.argv), exit_code=0, passed=True, started_at=now, ended_at=now,
                seconds=0.0, output=b"fine",
            )  # fmt: skip
    Packet.objects.create(
        lane=proved.lane, name=proved.id, state="approved", implementer="implementer", reviewer="reviewer",
        implementation=runs_of_both[0], review=runs_of_both[1],
    )  # fmt: skip


def drilled(drill: str, *, state: str = "passed") -> DrillRun:
    now = timezone.now()
    record = evidence.record_drill(
        drill, passed=state == "passed", journal="1 ok", started_at=now, seconds=0.0, actor=SYSTEM
    )
    return DrillRun.objects.create(
        drill=drill, state=state, started_at=now, ended_at=now, beat_at=now, actor="job:test", door="job",
        host="here", process=1, evidence=record,
    )  # fmt: skip

"""Packets to run evidence of, and the two people whom it takes."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulse.actors import Actor
from runbooks import lanes, packets, runs
from runbooks.models import EvidenceRecord, EvidenceRun, Packet, Role
from tests.factories import acting, make_operator

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

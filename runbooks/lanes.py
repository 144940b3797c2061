"""Lanes: what must be proved before a stage is run, as data in YAML files.

The hosted-operations lane ships under `runbooks/lanes/`; operators add theirs in `PULSE_LANES_DIR`.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from jsonschema import Draft202012Validator

from runbooks import commands, errors
from runbooks.documents import Document, Where, load

SHIPPED = Path(__file__).parent / "lanes"
SCHEMA = Draft202012Validator(json.loads((Path(__file__).parent / "lanes.schema.json").read_text()))
MINUTES = 10  # Of a command that names no limit.


@dataclass(frozen=True, slots=True)
class Command:
    argv: tuple[str, ...]
    minutes: float

    def __str__(self) -> str:
        return " ".join(self.argv)


@dataclass(frozen=True, slots=True)
class Packet:
    """`shelf_days` is how long its evidence counts; `stages` are those that need it approved."""

    lane: str
    id: str
    title: str
    goal: str
    scope: tuple[str, ...]
    stages: tuple[str, ...]
    requires: tuple[str, ...]
    shelf_days: int
    acceptance: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Risk:
    id: str
    title: str
    packets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Open until its packet is approved, or its drill has passed lately; it blocks the stages it names."""

    id: str
    title: str
    blocks: tuple[str, ...]
    packet: str
    drill: str

    @property
    def proof(self) -> str:
        return f"packet {self.packet}" if self.packet else f"drill {self.drill}"


@dataclass(frozen=True, slots=True)
class Step:
    do: str
    verify: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """Who is let in at a stage, what must hold to advance from it, and how it is enabled and disabled."""

    stage: str
    who: str
    advance: tuple[str, ...]
    enable: tuple[Step, ...]
    disable: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """`register` holds what was put off until general availability."""

    id: str
    title: str
    goal: str
    shelf_days: int
    packets: Mapping[str, Packet]
    risks: tuple[Risk, ...]
    conditions: tuple[Condition, ...]
    register: tuple[Condition, ...]
    rollout: tuple[Rollout, ...]


def every() -> dict[str, Lane]:
    """All lanes by id, the shipped first. Raises `InvalidDocument`."""
    lanes: dict[str, Lane] = {}
    for file in files():
        state = file.stat()
        lane = _read(file, settings.BASE_DIR, state.st_mtime_ns, state.st_size)
        if lane.id in lanes:
            raise load(file, SCHEMA).wrong(("lane",), f"there is another lane {lane.id!r}")
        lanes[lane.id] = lane
    return lanes


@lru_cache(maxsize=64)
def _read(file: Path, base: Path, *state: int) -> Lane:
    """Read once for as long as the file's state stays the same."""
    return _checked(load(file, SCHEMA))


def files() -> list[Path]:
    """The lanes' files. Raises `InvalidDocument` where the operators' directory cannot be read."""
    own = Path(settings.PULSE_LANES_DIR) if settings.PULSE_LANES_DIR else None
    if own is not None and not own.is_dir():
        raise errors.InvalidDocument(f"PULSE_LANES_DIR is no directory: {own}", file=str(own), line=1)
    folders = [SHIPPED, *([own] if own else [])]
    return [file for folder in folders for file in sorted(folder.glob("*.yaml"))]


def find_packet(name: str, *, lane: str = "") -> Packet:
    """Raises `PacketNotFound`, also where several lanes have a packet of the name and none is named."""
    found = [one.packets[name] for one in every().values() if name in one.packets and lane in ("", one.id)]
    if not found:
        raise errors.PacketNotFound(f"There is no packet {name}.")
    if len(found) > 1:
        named = ", ".join(packet.lane for packet in found)
        raise errors.PacketNotFound(f"There are packets {name} in the lanes {named}. Name the lane.")
    return found[0]


def _checked(document: Document) -> Lane:
    _unique_ids(document)
    _known_references(document)
    _no_cycle(document)
    _commands_exist(document)
    return _build(document.content)


def _unique_ids(document: Document) -> None:
    seen: set[str] = set()
    for where, part in _parts(document.content):
        if part["id"] in seen:
            raise document.wrong((*where, "id"), f"the id {part['id']!r} stands here for the second time")
        seen.add(part["id"])


def _parts(content: Any) -> Iterator[tuple[Where, Any]]:
    for section in ("packets", "risks", "conditions", "register"):
        for number, part in enumerate(content.get(section, [])):
            yield (section, number), part


def _known_references(document: Document) -> None:
    packets = {packet["id"] for packet in document.content["packets"]}
    for where, part in _parts(document.content):
        for field in ("requires", "packets"):
            for number, named in enumerate(part.get(field, [])):
                if named not in packets:
                    raise document.wrong((*where, field, number), f"there is no packet {named!r}")
        for kind, known in (("packet", packets), ("drill", _drills())):
            named = part.get("proved_by", {}).get(kind)
            if named is not None and named not in known:
                raise document.wrong((*where, "proved_by", kind), f"there is no {kind} {named!r}")


def _drills() -> Collection[str]:
    from runbooks.drills.catalogue import BY_NAME  # Its drills prove packets, which are declared here.

    return BY_NAME


def _no_cycle(document: Document) -> None:
    packets = document.content["packets"]
    graph = {packet["id"]: packet.get("requires", []) for packet in packets}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = error.args[1]
        number = next(number for number, packet in enumerate(packets) if packet["id"] == cycle[0])
        raise document.wrong(
            ("packets", number, "requires"), f"the packets require each other: {' ← '.join(cycle)}"
        ) from error


def _commands_exist(document: Document) -> None:
    known = get_commands()
    for number, packet in enumerate(document.content["packets"]):
        for place, command in enumerate(packet["acceptance"]):
            if absent := commands.missing(command["argv"], commands=known):
                raise document.wrong(("packets", number, "acceptance", place, "argv"), absent)


def _build(content: Any) -> Lane:
    return Lane(
        id=content["lane"],
        title=content["title"],
        goal=content["goal"],
        shelf_days=content["shelf_days"],
        packets={part["id"]: _packet(content, part) for part in content["packets"]},
        risks=tuple(
            Risk(part["id"], part["title"], tuple(part["packets"])) for part in content.get("risks", [])
        ),
        conditions=tuple(map(_condition, content.get("conditions", []))),
        register=tuple(map(_condition, content.get("register", []))),
        rollout=tuple(map(_rollout, content.get("rollout", []))),
    )


def _packet(content: Any, part: Any) -> Packet:
    return Packet(
        lane=content["lane"],
        id=part["id"],
        title=part["title"],
        goal=part["goal"],
        scope=tuple(part.get("scope", ())),
        stages=tuple(part["stages"]),
        requires=tuple(part.get("requires", ())),
        shelf_days=part.get("shelf_days", content["shelf_days"]),
        acceptance=tuple(
            Command(tuple(command["argv"]), command.get("minutes", MINUTES)) for command in part["acceptance"]
        ),
    )


def _condition(part: Any) -> Condition:
    proof = part["proved_by"]
    return Condition(
        part["id"], part["title"], tuple(part["blocks"]), proof.get("packet", ""), proof.get("drill", "")
    )


def _rollout(part: Any) -> Rollout:
    enable, disable = (
        tuple(Step(step["do"], step.get("verify", "")) for step in part[way]) for way in ("enable", "disable")
    )
    return Rollout(part["stage"], part["who"], tuple(part["advance"]), enable, disable)

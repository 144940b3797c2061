"""Scheduled runs of the project's tests: a packet's acceptance commands or the whole suite, as evidence."""

from collections.abc import Sequence

import structlog

from pulse.offers import Offer
from runbooks import errors, lanes
from runbooks.lanes import Command, Packet

log = structlog.get_logger(__name__)

TASK = "runbooks.drills.tasks.run_tests"
SUITE = "test-suite"
WHOLE_SUITE = (Command(("python", "-m", "pytest", "--junitxml={junit}"), minutes=60),)


def named(packet: str, lane: str) -> tuple[str, Sequence[Command]]:
    """What the evidence is of, and the commands that make it; the whole suite without a packet."""
    if not packet:
        return SUITE, WHOLE_SUITE
    found = lanes.find_packet(packet, lane=lane)
    return found.id, found.acceptance


def offered() -> list[Offer]:
    """What operators may put on a schedule of their own."""
    found = (packet for packet in _packets() if packet.acceptance)
    return [Offer("tests:all", "Test run: the whole suite", TASK), *map(_offer, found)]


def _packets() -> list[Packet]:
    """None while a lane's file is wrong, which the readiness board tells of."""
    try:
        return [packet for lane in lanes.every().values() for packet in lane.packets.values()]
    except errors.InvalidDocument as wrong:
        log.warning("no packets to be offered", error=str(wrong))
        return []


def _offer(packet: Packet) -> Offer:
    arguments = {"packet": packet.id, "lane": packet.lane}
    return Offer(f"tests:{packet.lane}:{packet.id}", f"Test run: {packet.id} {packet.title}", TASK, arguments)

"""The drill of the gate: every hosted route of the URL table, shut and opened again."""

import re
from collections.abc import Iterator

from pulse import hosted_mode, routes
from runbooks.drills.declaration import Unexpected
from runbooks.drills.rehearsal import Rehearsal
from runbooks.drills.rollback import ACTOR

# What stands in an address for what nobody has.
PARTS = {"int": "0", "uuid": "00000000-0000-4000-8000-000000000000"}
UNKNOWN = "/drill-unknown-address"


def hosted_paths() -> Iterator[str]:
    """An address of each hosted route; it names nothing that exists."""
    from pulse.urls import urlpatterns

    for pattern, route in routes.walk(urlpatterns):
        if routes.declaration(route.callback) not in (routes.ALWAYS_ON, routes.OPERATIONS):
            yield "/" + re.sub(
                r"<(?:(\w+):)?\w+>", lambda part: PARTS.get(part[1] or "str", "drill-nobodys"), pattern
            )


def answers(rehearsal: Rehearsal) -> dict[str, tuple[int, bytes]]:
    """By address, of a stranger, who is refused on every hosted route while the gate is open.

    All by GET, so that nothing happens where the gate is shut in name alone.
    """
    found = {path: rehearsal.nobody.get(path) for path in hosted_paths()}
    return {path: (answer.status, answer.raw) for path, answer in found.items()}


def the_routes_answer(rehearsal: Rehearsal) -> None:
    """Every hosted route answers, if only that it does not know whom it is asked about"""
    unknown = rehearsal.nobody.get(UNKNOWN).expect(404)
    rehearsal.kept["open"] = found = answers(rehearsal)
    missing = [path for path, (status, raw) in found.items() if status == 500 or raw == unknown.raw]
    rehearsal.expect(found and not missing, f"{len(found)} routes that answer", missing)


def shut(rehearsal: Rehearsal) -> None:
    """Flip the kill switch"""
    rehearsal.kept["reason"] = reason = f"drill {rehearsal.mark}"
    rehearsal.note("kill_switch", reason)
    hosted_mode.kill(actor=ACTOR, reason=reason)


def every_route_is_gone(rehearsal: Rehearsal) -> None:
    """Every hosted route answers 404 with the body of an unknown address, for a stranger and an operator"""
    unknown = rehearsal.nobody.get(UNKNOWN).expect(404)
    for path, (status, raw) in answers(rehearsal).items():
        if (status, raw) != (404, unknown.raw):
            raise Unexpected(f"{path} answers {status} {raw[:200]!r}")
    for _ in range(4):
        answer = rehearsal.operator.get("/api/admin/orgs").expect(404, "not_found")
        rehearsal.expect(answer.raw == unknown.raw, "the body of an unknown address", answer.body)


def health_still_answers(rehearsal: Rehearsal) -> None:
    """What is always on still answers"""
    rehearsal.nobody.get("/healthz").expect(200)
    gate = rehearsal.nobody.get("/readyz").body["gate"]
    rehearsal.expect(not gate["open"], "the gate told to be shut", gate)


def reopen(rehearsal: Rehearsal) -> None:
    """Take the kill switch off"""
    is_ours = hosted_mode.revive_own(actor=ACTOR, reason=rehearsal.kept["reason"])
    rehearsal.expect(is_ours, "the switch as this drill left it", "that somebody has flipped it meanwhile")


def the_routes_answer_as_before(rehearsal: Rehearsal) -> None:
    """Every hosted route answers as before"""
    now, before = answers(rehearsal), rehearsal.kept["open"]
    other = [path for path in now if now[path][0] != before[path][0]]
    rehearsal.expect(not other, "the same statuses", other)

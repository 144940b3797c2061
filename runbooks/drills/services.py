"""Drills that take a service away: on servers of their own, behind proxies of their own."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from runbooks.drills import servers
from runbooks.drills.caller import Answer
from runbooks.drills.declaration import Unexpected
from runbooks.drills.proxy import Proxy
from runbooks.drills.rehearsal import ORGS, Rehearsal

BACK_WITHIN_SECONDS = 30
SIGN_UP = {"email": "not an address", "org_name": "Drill"}


def without_redis() -> str:
    return (
        ""
        if settings.REDIS_URL.startswith("redis://")
        else "REDIS_URL names no Redis that a proxy can stand before"
    )


def without_postgresql() -> str:
    if connection.vendor != "postgresql":
        return "the control database is not PostgreSQL"
    host = str(connection.settings_dict["HOST"])
    return (
        ""
        if host and not host.startswith("/")
        else "PostgreSQL is reached by a socket, not through the network"
    )


def redis_behind_a_proxy(rehearsal: Rehearsal) -> None:
    """A server of the drill's own counts its limits in Redis, through a proxy"""
    parts = urlsplit(settings.REDIS_URL)
    rehearsal.kept["proxy"] = proxy = Proxy((parts.hostname or "127.0.0.1", parts.port or 6379))
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    url = urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{proxy.port}"))
    servers.apart(rehearsal, REDIS_URL=url)
    rehearsal.tenant().owner.get("/api/org").expect(200)


def limits_are_counted(rehearsal: Rehearsal) -> None:
    """A sign-up is counted and then read: what is no address is refused for that"""
    rehearsal.nobody.post("/api/public/signup", SIGN_UP).expect(400, "invalid_email")


def take_it_away(rehearsal: Rehearsal) -> None:
    """Take it away"""
    rehearsal.kept["proxy"].cut()


def sign_up_is_shut(rehearsal: Rehearsal) -> None:
    """Sign-up, which nothing limits now, is shut"""
    rehearsal.nobody.post("/api/public/signup", SIGN_UP).expect(503)


def tenants_are_served(rehearsal: Rehearsal) -> None:
    """Tenants are served without a limit, and operators too"""
    rehearsal.tenant().owner.get("/api/org").expect(200)
    rehearsal.operator.get(ORGS).expect(200)


def give_it_back(rehearsal: Rehearsal) -> None:
    """Give it back"""
    rehearsal.kept["proxy"].mend()


def sign_up_is_open_again(rehearsal: Rehearsal) -> None:
    """Sign-up is open again, without a restart"""
    _until(rehearsal, lambda: rehearsal.nobody.post("/api/public/signup", SIGN_UP), 400)


def postgresql_behind_a_proxy(rehearsal: Rehearsal) -> None:
    """A server of the drill's own works on the control database, through a proxy"""
    given = connection.settings_dict
    rehearsal.kept["proxy"] = proxy = Proxy((str(given["HOST"]), int(given["PORT"] or 5432)))
    rehearsal.move(servers.beside(rehearsal, database_port=proxy.port).base)
    rehearsal.tenant().owner.get("/api/org").expect(200)


def nobody_gets_past(rehearsal: Rehearsal) -> None:
    """Whatever needs the database answers 503, and nothing passes unasked"""
    for caller, path in ((rehearsal.tenant().owner, "/api/org"), (rehearsal.operator, ORGS)):
        caller.get(path).expect(503)
    rehearsal.nobody.get("/healthz").expect(200)
    rehearsal.nobody.get("/readyz").expect(503)


def it_recovers_by_itself(rehearsal: Rehearsal) -> None:
    """It serves again, without a restart, and the tenant is whole"""
    _until(rehearsal, lambda: rehearsal.tenant().owner.get("/api/org"), 200)
    rehearsal.operator.get(ORGS).expect(200)
    found = rehearsal.operator.get(f"{rehearsal.tenant().path}/verify").expect(200).body
    rehearsal.expect(found["whole"], "no findings", found["findings"])


def _until(rehearsal: Rehearsal, ask: Callable[[], Answer], status: int) -> None:
    deadline = time.monotonic() + BACK_WITHIN_SECONDS
    while (answer := ask()).status != status:
        if time.monotonic() > deadline:
            raise Unexpected(f"{answer.asked}: still {answer.status} after {BACK_WITHIN_SECONDS} s")
        time.sleep(0.2)

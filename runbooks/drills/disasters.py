"""Drills of what breaks on a machine: a disk, a file, a process. Each on an installation of its own."""

import fcntl
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from runbooks.drills import servers
from runbooks.drills.declaration import Unexpected
from runbooks.drills.lifecycle import role
from runbooks.drills.rehearsal import ORGS, Rehearsal
from runbooks.drills.servers import Server

# Six missed beats until a worker counts as dead, and a round of the scheduler.
PUT_BACK_WITHIN_SECONDS = 100
NEW = "drill-new"


def an_installation(rehearsal: Rehearsal) -> None:
    """An installation of the drill's own, with a tenant"""
    rehearsal.kept["server"] = servers.apart(rehearsal)
    rehearsal.tenant().owner.get("/api/org").expect(200)


def damage_the_template(rehearsal: Rehearsal) -> None:
    """Damage the template that new tenants' databases are cloned from"""
    (template,) = (_server(rehearsal).data / "orgs").glob(".template-*/rbac.db")
    rehearsal.kept["template"] = template, template.read_bytes()
    template.write_bytes(b"not a database")


def provisioning_fails(rehearsal: Rehearsal) -> None:
    """A new tenant cannot be made"""
    rehearsal.operator.post(ORGS, _wanted(rehearsal)).expect(503, "provisioning_failed")


def nothing_of_it_is_left(rehearsal: Rehearsal) -> None:
    """Nothing of it is left: no row, no person, no file"""
    rehearsal.operator.get(f"{ORGS}/{NEW}").expect(404, "not_found")
    data = _server(rehearsal).data
    left = [one.name for one in (data / "orgs").iterdir() if NEW in one.name]
    rehearsal.expect(not left, "no file of it", left)
    with closing(sqlite3.connect(data / "pulse.db")) as control:
        email = rehearsal.email_of(NEW)
        people = control.execute("SELECT count(*) FROM tenants_user WHERE email = ?", (email,)).fetchone()
    rehearsal.expect(people == (0,), "no person of it", people)


def others_are_served(rehearsal: Rehearsal) -> None:
    """The other tenant is served as before"""
    rehearsal.tenant().owner.get("/api/org").expect(200)


def mend_the_template(rehearsal: Rehearsal) -> None:
    """Put the template back"""
    template, content = rehearsal.kept["template"]
    template.write_bytes(content)


def provisioning_works(rehearsal: Rehearsal) -> None:
    """The same request makes the whole tenant"""
    rehearsal.operator.post(ORGS, _wanted(rehearsal)).expect(201)
    found = rehearsal.operator.get(f"{ORGS}/{NEW}/verify").expect(200).body
    rehearsal.expect(found["whole"], "no findings", found["findings"])


def _wanted(rehearsal: Rehearsal) -> dict[str, object]:
    return {"email": rehearsal.email_of(NEW), "name": "Drill new", "id": NEW, "synthetic": True}


def damage_a_database(rehearsal: Rehearsal) -> None:
    """Back the tenant's database up, and damage it while the server is down"""
    tenant = rehearsal.tenant()
    tenant.owner.post("/api/org/roles", role("drill")).expect(201)
    made = rehearsal.operator.post(f"{tenant.path}/rbac/backup", {}).expect(201).body
    rehearsal.kept["backup"] = made["name"]
    file = _server(rehearsal).data / "orgs" / tenant.id / "rbac.db"
    with servers.stopped(rehearsal, _server(rehearsal)), file.open("r+b") as damaged:
        damaged.write(os.urandom(file.stat().st_size))


def it_alone_is_refused(rehearsal: Rehearsal) -> None:
    """Its requests answer 503 and are never let pass; another tenant is made and served"""
    rehearsal.tenant().owner.get("/api/org/roles").expect(503)
    asked = {"action": "read", "resource": "nodes"}
    rehearsal.tenant().owner.post("/api/org/check", asked).expect(503)
    provisioning_works(rehearsal)


def it_is_found(rehearsal: Rehearsal) -> None:
    """Verification names what is wrong with it"""
    found = rehearsal.operator.get(f"{rehearsal.tenant().path}/verify").expect(200).body
    rehearsal.expect(not found["whole"], "findings", found)


def restore_it(rehearsal: Rehearsal) -> None:
    """Restored from the backup, it is whole and served"""
    tenant = rehearsal.tenant()
    wanted = {"backup": rehearsal.kept["backup"], "reason": "a drill"}
    rehearsal.operator.post(f"{tenant.path}/rbac/restore", wanted).expect(200)
    tenant.owner.get("/api/org/roles/drill").expect(200)
    found = rehearsal.operator.get(f"{tenant.path}/verify").expect(200).body
    rehearsal.expect(found["whole"], "no findings", found["findings"])


def fill_the_disk(rehearsal: Rehearsal) -> None:
    """Let the server write no byte more, by a limit on the size of its files"""
    _limit_files(_server(rehearsal), 0)


def reads_go_on(rehearsal: Rehearsal) -> None:
    """Who only reads is served"""
    asked = {"action": "read", "resource": "nodes"}
    rehearsal.tenant().owner.post("/api/org/check", asked).expect(200)


def writes_are_refused(rehearsal: Rehearsal) -> None:
    """Writes answer 503, and /readyz says why"""
    rehearsal.tenant().owner.post("/api/org/roles", role("drill")).expect(503)
    rehearsal.operator.post(f"{rehearsal.tenant().path}/suspend", {}).expect(503)
    rehearsal.operator.post(ORGS, _wanted(rehearsal)).expect(503)
    checks = rehearsal.nobody.get("/readyz").expect(503).body["checks"]
    rehearsal.expect(checks["data_directory"] != "ok", "the data directory told of", checks)


def free_the_disk(rehearsal: Rehearsal) -> None:
    """Let it write again"""
    _limit_files(_server(rehearsal), resource.RLIM_INFINITY)


def nothing_is_half_done(rehearsal: Rehearsal) -> None:
    """What was refused has left nothing, and is done when it is asked for again"""
    tenant = rehearsal.tenant()
    rehearsal.operator.get(f"{ORGS}/{NEW}").expect(404, "not_found")
    shown = rehearsal.operator.get(tenant.path).expect(200).body
    rehearsal.expect(shown["status"] == "active", "the status active", shown["status"])
    tenant.owner.post("/api/org/roles", role("drill")).expect(201)
    found = rehearsal.operator.get(f"{tenant.path}/verify").expect(200).body
    rehearsal.expect(found["whole"], "no findings", found["findings"])
    provisioning_works(rehearsal)


def _limit_files(server: Server, most: int) -> None:
    """The soft limit of gunicorn and its workers, which Linux lets their parent change while they run."""
    web = server.processes["web"].pid
    children = Path(f"/proc/{web}/task/{web}/children").read_text().split()
    for pid in (web, *map(int, children)):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(most, hard) if hard >= 0 else most, hard))


def a_worker_at_work(rehearsal: Rehearsal) -> None:
    """A worker is held up in the middle of a job"""
    server = _server(rehearsal)
    for name in ("worker", "scheduler"):
        servers.start(rehearsal, server, name)
    # The job waits for this lock, as it would for a provisioning under way.
    lock = (server.data / "provisioning.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    rehearsal.kept["lock"] = lock
    rehearsal.operator.post("/api/admin/schedules/reconcile/run", {}).expect(202)
    _until("a job that runs", lambda: _jobs(server, "RUNNING") >= 1)


def kill_the_worker(rehearsal: Rehearsal) -> None:
    """Kill it"""
    worker = _server(rehearsal).processes["worker"]
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    rehearsal.kept["lock"].close()


def tenants_do_not_notice(rehearsal: Rehearsal) -> None:
    """Tenants are served meanwhile"""
    rehearsal.tenant().owner.get("/api/org").expect(200)


def it_is_noticed(rehearsal: Rehearsal) -> None:
    """/readyz tells of it within a minute or so"""
    ready = lambda: rehearsal.nobody.get("/readyz").body["checks"]["worker"] != "ok"  # noqa: E731
    _until("/readyz to miss the worker", ready)


def another_takes_over(rehearsal: Rehearsal) -> None:
    """Another worker ends the job that the dead one had begun"""
    server = _server(rehearsal)
    servers.start(rehearsal, server, "worker")
    _until("no job that waits or runs", lambda: not _jobs(server, "RUNNING") and not _jobs(server, "READY"))
    failed = _jobs(server, "FAILED")
    rehearsal.expect(not failed, "no failed job", failed)
    _until("/readyz to be ready", lambda: rehearsal.nobody.get("/readyz").status == 200)


def _server(rehearsal: Rehearsal) -> Server:
    server: Server = rehearsal.kept["server"]
    return server


def _jobs(server: Server, status: str) -> int:
    query = "SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status = ?"
    with closing(sqlite3.connect(server.data / "pulse.db", timeout=20)) as control:
        return int(control.execute(query, (status,)).fetchone()[0])


def _until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PUT_BACK_WITHIN_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise Unexpected(f"waited {PUT_BACK_WITHIN_SECONDS} s in vain for {what}")
        time.sleep(1)

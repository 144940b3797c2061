"""Second servers that a drill starts on loopback, so that what it takes away is taken from nobody else.

One kind works on the installation's own database and files, another on an installation of its own in a
folder of the data directory. Both end with the process that started them.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from pulse import hosted_mode
from pulse.management.commands.serve import stop_with_parent
from runbooks.drills import rollback
from runbooks.drills.caller import Caller
from runbooks.drills.declaration import Unexpected
from runbooks.drills.rehearsal import Rehearsal, Tenant

STARTS_WITHIN_SECONDS = 60
# What no server of a drill does, whatever the installation does.
HARMLESS = {
    "PULSE_STAGE": "development",
    "PULSE_HOSTED_MODE": "true",
    "PULSE_ALLOWED_HOSTS": "127.0.0.1",
    "PULSE_TRUSTED_PROXIES": "",
    "PULSE_SSL_REDIRECT": "false",
    "PULSE_LOG_LEVEL": "WARNING",
    "EMAIL_URL": "dummymail://",
    "STRIPE_SECRET_KEY": "",
    "STRIPE_WEBHOOK_SECRETS": "",
    "PULSE_SIGNUP_RATE": "1000/hour",
}


@dataclass(frozen=True, slots=True)
class Server:
    """`folder` holds its log, and all its data if it is on its own."""

    base: str
    folder: Path
    environment: Mapping[str, str]
    processes: dict[str, "subprocess.Popen[bytes]"]

    @property
    def data(self) -> Path:
        return Path(self.environment["PULSE_DATA_DIR"])


def stand_in_where_no_verdict_stands(rehearsal: Rehearsal) -> None:
    """Before the first verdict the gate is shut, and drills are what a verdict rests on."""
    if settings.PULSE_STAGE == "development" or hosted_mode.verdict_stands(settings.PULSE_STAGE):
        return
    rehearsal.move(beside(rehearsal).base)
    rehearsal.say(f"no verdict stands: held on a server of the drill's own, {rehearsal.base}")


def beside(rehearsal: Rehearsal, *, database_port: int | None = None) -> Server:
    """A web server on the installation's database and files, the database reached through that port."""
    folder = _folder(rehearsal, "beside")
    environment = _environment(folder) | {
        "PULSE_DATA_DIR": str(settings.PULSE_DATA_DIR),
        "DATABASE_URL": database_url(port=database_port),
        "REDIS_URL": settings.REDIS_URL,
    }
    return _web(rehearsal, folder, environment, free_port())


def apart(rehearsal: Rehearsal, **changes: str) -> Server:
    """An installation of its own with one tenant, whom and whose operator the rehearsal takes over."""
    folder = _folder(rehearsal, "apart")
    data = folder / "data"
    data.mkdir()
    environment = _environment(folder) | {
        "PULSE_DATA_DIR": str(data),
        "DATABASE_URL": f"sqlite:///{data / 'pulse.db'}",
        "REDIS_URL": "",
        "PULSE_TENANT_CAP": "0",
        **changes,
    }
    made = json.loads(_manage(environment, "-m", "runbooks.drills.installation"))
    server = _web(rehearsal, folder, environment, free_port())
    rehearsal.move(server.base)
    rehearsal.operator_token = made["operator"]
    owner = rehearsal.caller(made["owner"])
    rehearsal.tenants["a"] = Tenant(made["organization"], made["person"], owner)
    return server


@contextmanager
def stopped(rehearsal: Rehearsal, server: Server) -> Iterator[None]:
    """The web server is down within the block, and then answers where it did."""
    server.processes["web"].terminate()
    server.processes["web"].wait(STARTS_WITHIN_SECONDS)
    yield
    port = int(server.base.rpartition(":")[2])
    server.processes.update(_web(rehearsal, server.folder, server.environment, port).processes)


def start(rehearsal: Rehearsal, server: Server, name: str) -> None:
    """Another process of the server's: `worker` or `scheduler`."""
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), name, "--skip-checks"]
    if name == "worker":
        argv += ["--no-startup-delay", "--no-reload"]
    server.processes[name] = _start(rehearsal, server.folder, server.environment, argv)


def database_url(*, port: int | None) -> str:
    """The control database as `DATABASE_URL`; with a port, on that one of loopback."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    user, password, name = (quote(str(given[key]), safe="") for key in ("USER", "PASSWORD", "NAME"))
    host = "127.0.0.1" if port else given["HOST"]
    return f"postgres://{user}:{password}@{host}:{port or given['PORT'] or 5432}/{name}"


def _folder(rehearsal: Rehearsal, kind: str) -> Path:
    name = f"{kind}-{rehearsal.mark}-{secrets.token_hex(2)}"
    rehearsal.note("folder", name)
    folder = rollback.folder_of(name)
    (folder / "metrics").mkdir(parents=True)
    return folder


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | HARMLESS | {"PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}


def _web(rehearsal: Rehearsal, folder: Path, environment: Mapping[str, str], port: int) -> Server:
    argv = [
        sys.executable, "-m", "gunicorn", "pulse.wsgi:application", "--bind", f"127.0.0.1:{port}",
        "--workers", "1", "--worker-class", "gthread", "--threads", "4", "--config", "python:pulse.gunicorn",
    ]  # fmt: skip
    process = _start(rehearsal, folder, environment, argv)
    base = f"http://127.0.0.1:{port}"
    _wait_until_it_answers(base, process, folder)
    rehearsal.say(f"a server of the drill's own answers at {base}")
    return Server(base, folder, environment, {"web": process})


def _start(
    rehearsal: Rehearsal, folder: Path, environment: Mapping[str, str], argv: list[str]
) -> "subprocess.Popen[bytes]":
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            argv, cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=log, preexec_fn=stop_with_parent
        )
    rehearsal.note("process", f"{process.pid}@{rollback.started_at(process.pid)}")
    return process


def _wait_until_it_answers(base: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    caller = Caller(base, tell=lambda line: None)
    while time.monotonic() < deadline and process.poll() is None:
        try:
            caller.get("/healthz")
        except Unexpected:
            time.sleep(0.1)
        else:
            return
    raise Unexpected(f"the drill's own server does not start: {(folder / 'server.log').read_text()[-2500:]}")


def _manage(environment: Mapping[str, str], *arguments: str) -> str:
    """The output of a Python process on the server's data."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=STARTS_WITHIN_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Unexpected(f"the drill's own installation cannot be made: {done.stderr[-1000:]}")
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

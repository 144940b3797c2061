"""Commands in a process group of their own, with a clean environment, a time limit and bounded output.

What a command wrote is streamed to whoever watches and kept up to a limit; what it did is told without
judgement of anything but this: whether it can count as proof.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.utils import timezone

# What a command may know of its surroundings, so that the same command does the same for everybody:
# where programs, files and the language are, and this installation's own settings, without which it would
# prove another one. Not PYTHONPATH, PYTEST_ADDOPTS and the like, which change what is run; not Stripe's keys
# and the first operator's password, which no acceptance needs and an output could show.
ALLOWED = frozenset((
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV",
    "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "STRIPE_API_BASE",
))  # fmt: skip
ALLOWED_PREFIX = "PULSE_"
WITHHELD = frozenset(("PULSE_OPERATOR_PASSWORD",))
# Both streams in one, and at once instead of when a buffer is full.
ADDED = {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}

# Commands of manage.py that record who had them done: they are carried out in the name of the person who runs
# the evidence, with no more than that person's permissions. The others, which only look, show what the
# installation is like to whoever may run them.
IN_THE_PERSONS_NAME = frozenset({"drill"})

MEBIBYTE = 1024 * 1024
KEPT_AT_EACH_END = 2 * MEBIBYTE
CHUNK_BYTES = 64 * 1024
TICK_SECONDS = 0.2
# For a command that has been asked to end, before it is killed: a drill rolls back meanwhile.
GRACE_SECONDS = 10
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(slots=True)
class Kept:
    """The beginning and the end of an output, in bounded memory; how long it was in all."""

    total: int = 0
    head: bytearray = field(default_factory=bytearray)
    tail: deque[bytes] = field(default_factory=deque)
    tail_bytes: int = 0

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = KEPT_AT_EACH_END - len(self.head)
        self.head += chunk[:room]
        if rest := chunk[room:]:
            self.tail.append(rest)
            self.tail_bytes += len(rest)
        while self.tail_bytes - len(self.tail[0] if self.tail else b"") >= KEPT_AT_EACH_END:
            self.tail_bytes -= len(self.tail.popleft())

    @property
    def cut(self) -> bool:
        return self.total > len(self.head) + min(self.tail_bytes, KEPT_AT_EACH_END)

    def joined(self) -> bytes:
        end = b"".join(self.tail)[-KEPT_AT_EACH_END:]
        left_out = self.total - len(self.head) - len(end)
        mark = f"\n[{left_out} bytes were not kept]\n".encode() if left_out else b""
        return bytes(self.head) + mark + end


@dataclass(frozen=True, slots=True)
class Outcome:
    """`failure` is empty where the command proves something; `exit_code` is None where there is none.

    `output` is what was kept, `output_bytes` counts all that there was.
    """

    argv: list[str]
    exit_code: int | None
    failure: str
    output: bytes
    output_bytes: int
    started_at: datetime
    ended_at: datetime
    seconds: float


def environment() -> dict[str, str]:
    """What is let through of ours; see `ALLOWED`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ALLOWED or (name.startswith(ALLOWED_PREFIX) and name not in WITHHELD)
    }
    return kept | ADDED


def resolve(argv: Sequence[str], *, person: str) -> list[str]:
    """The argv as it is run: `manage.py` and `python` are this installation's own."""
    if argv[0] == "manage.py":
        named = [f"--actor={person}"] if person and argv[1] in IN_THE_PERSONS_NAME else []
        return [sys.executable, str(settings.BASE_DIR / "manage.py"), argv[1], *named, *argv[2:]]
    if argv[0] == "python":
        return [sys.executable, *argv[1:]]
    return [shutil.which(argv[0]) or argv[0], *argv[1:]]


def run(
    argv: Sequence[str],
    *,
    limit_seconds: float,
    show: Callable[[bytes], None],
    tick: Callable[[], None] = lambda: None,
    person: str = "",
) -> Outcome:
    """Run the command to its end, or to the end of its time; `show` gets all that it writes, as it does.

    `tick` is called several times a second; `person` is the e-mail address of the operator who has it done,
    if it is one. Nothing of the command's group outlives this, nor, where Linux can see to it, the death of
    our own process.
    """
    started_at, started = timezone.now(), time.monotonic()
    kept = Kept()
    try:
        process = subprocess.Popen(
            resolve(argv, person=person),
            cwd=settings.BASE_DIR,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    except OSError as error:
        kept.add(f"{error}\n".encode())
        exit_code, failure = None, "could_not_start"
    else:
        with _group_ended(process):
            timed_out = _follow(process, kept, deadline=started + limit_seconds, show=show, tick=tick)
        exit_code, failure = process.returncode, _failure(process.returncode, kept)
        if timed_out:
            exit_code, failure = None, "timed_out"
    return Outcome(
        argv=list(argv),
        exit_code=exit_code,
        failure=failure,
        output=kept.joined(),
        output_bytes=kept.total,
        started_at=started_at,
        ended_at=timezone.now(),
        seconds=time.monotonic() - started,
    )


def _failure(exit_code: int, kept: Kept) -> str:
    """Why the command proves nothing; the first that applies."""
    if exit_code < 0:
        return "killed"
    if exit_code:
        return "exit_code"
    if kept.cut:
        return "truncated_output"
    return "" if kept.total else "empty_output"


def _follow(
    process: "subprocess.Popen[bytes]",
    kept: Kept,
    *,
    deadline: float,
    show: Callable[[bytes], None],
    tick: Callable[[], None],
) -> bool:
    """Read until the command has ended; whether its time was over first.

    Its end counts, and not that of its output, which a process that it left behind would hold open.
    """
    for chunk in _chunks(process):
        if chunk:
            kept.add(chunk)
            show(chunk)
        tick()
        if time.monotonic() > deadline:
            return True
    while process.poll() is None:  # It has closed its output and goes on.
        tick()
        if time.monotonic() > deadline:
            return True
        with suppress(subprocess.TimeoutExpired):
            process.wait(TICK_SECONDS)
    return False


def _chunks(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """What it writes; an empty chunk whenever it has been silent for a while."""
    assert process.stdout is not None  # noqa: S101 (it was asked for)
    pipe = process.stdout.fileno()
    while True:
        ended = process.poll() is not None
        if select.select([pipe], [], [], 0 if ended else TICK_SECONDS)[0]:
            chunk = os.read(pipe, CHUNK_BYTES)
            if not chunk:
                return
            yield chunk
        elif ended:
            return
        else:
            yield b""


@contextmanager
def _group_ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Whatever happens within the block, nothing of the process' group is left after it."""
    try:
        yield
    finally:
        if process.poll() is None:
            _signal_group(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        _signal_group(process, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# An installation may do without what only requirements-dev.txt installs, until it runs evidence.
OF_THE_TESTS = frozenset({"pytest"})


def missing(argv: Sequence[str], *, commands: Iterable[str]) -> str:
    """What of the argv is not there: a command of manage.py, a module, a file of tests or a program."""
    program, *rest = argv
    if program == "manage.py":
        return "" if rest and rest[0] in commands else f"manage.py has no command {' '.join(rest[:1])!r}"
    if program != "python":
        return "" if shutil.which(program) else f"there is no program {program!r} on the PATH"
    module = _module_of(argv)
    if module is not None and module not in OF_THE_TESTS and not _is_module(module):
        return f"there is no module {module!r}"
    files = [word.partition("::")[0] for word in rest if word.partition("::")[0].endswith(".py")]
    absent = [file for file in files if not (settings.BASE_DIR / Path(file)).is_file()]
    return f"there is no file {absent[0]!r}" if absent else ""


def is_untestable(argv: Sequence[str]) -> bool:
    """Whether it runs tests where what they need is not installed."""
    module = _module_of(argv)
    return module in OF_THE_TESTS and not _is_module(str(module))


def _module_of(argv: Sequence[str]) -> str | None:
    return "".join(argv[2:3]) if list(argv[:2]) == ["python", "-m"] else None


def _is_module(name: str) -> bool:
    try:
        return bool(name) and find_spec(name) is not None
    except ModuleNotFoundError:  # The package around it is not there.
        return False

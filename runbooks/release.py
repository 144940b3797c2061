"""Which code this is: what evidence is of, and by which it grows stale."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

GIT_SECONDS = 20
# What makes up the code, where git is not there to say so.
SUFFIXES = frozenset((".py", ".html", ".txt", ".yaml", ".md", ".css", ".js", ".sql", ".toml"))
# Reports on readiness are written beside the code and are none.
NO_CODE = ":(exclude)docs/readiness"
# The tests are code too: they are what proves packets.
PARTS = ("pulse", "tenants", "rbac", "billing", "runbooks", "tests", "bench")


@dataclass(frozen=True, slots=True)
class Release:
    """`version` is the git commit, or `files:` and a hash of the files where there is no repository.

    Dirty means that files differ from the commit. A hash of the files names what is there: it never is.
    """

    version: str
    is_dirty: bool

    def __str__(self) -> str:
        return self.version[:18] + (" (dirty)" if self.is_dirty else "")


def on_disk() -> Release:
    """The code as it lies there, which the next command will run."""
    folder = settings.BASE_DIR
    top = _git(folder, "rev-parse", "--show-toplevel", "HEAD")
    if top is None or Path(top.splitlines()[0]).resolve() != folder.resolve():
        return Release(_of_files(folder), is_dirty=False)
    changes = _git(folder, "status", "--porcelain", "--untracked-files=all", "--", ".", NO_CODE)
    return Release(top.splitlines()[1], is_dirty=changes is None or bool(changes.strip()))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it is not there or refuses."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _of_files(folder: Path) -> str:
    digest = hashlib.sha256()
    found = [*folder.glob("*"), *(file for part in PARTS for file in (folder / part).rglob("*"))]
    for file in sorted(file for file in found if file.suffix in SUFFIXES):
        digest.update(f"{file.relative_to(folder)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"files:{digest.hexdigest()[:40]}"

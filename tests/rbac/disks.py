"""A disk that is full: a small file system of its own where one may be mounted, else SQLite's own limit."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulse import faults


def no_space() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def full_at(folder: Path, *, point: str) -> Iterator[None]:
    """No byte more can be written below the folder, which is empty so far and gets its content back after.

    Where no file system may be mounted, the work fails at the point of `pulse.faults` instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        faults.arm(point, no_space)
        yield
        faults.disarm()
        return
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)

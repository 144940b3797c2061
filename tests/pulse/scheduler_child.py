"""Fires what is due once, at the instant of its argument, and dies at the point of its second one, if any."""

import os
import signal
import sys
from datetime import datetime

import django

django.setup()

from pulse import faults, schedules  # noqa: E402


def main(now: str, point: str = "", passes: str = "1") -> None:
    left = int(passes)

    def die() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    if point:
        faults.arm(point, die)
    sys.stdin.readline()
    sys.stdout.write(" ".join(schedules.fire_due(now=datetime.fromisoformat(now))))


main(*sys.argv[1:])

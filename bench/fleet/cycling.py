"""Ten thousand tenants at random through one thread for a minute: descriptors and memory of the process."""

import os
import random
import statistics
from pathlib import Path
from time import monotonic

from django.conf import settings
from rich.console import Console

from bench.fleet import TENANTS
from bench.results import Result
from bench.warm_check import ACTION, RESOURCE, USER
from rbac import access, databases
from tenants import context

SECONDS = 60
MEBIBYTE = 1024 * 1024

Points = list[tuple[float, float]]


def measure() -> list[Result]:
    descriptors, memory = cycle(SECONDS)
    databases.close_all()
    cap = settings.PULSE_RBAC_MAX_OPEN
    quarter = len(memory) // 4
    first, last = (
        statistics.median(value for _, value in part) for part in (memory[:quarter], memory[-quarter:])
    )
    most = max(value for _, value in descriptors)
    name = f"{TENANTS:,} tenants at random for a minute"
    held = f"descriptors, {name}, to three times the cap of {cap} and 50"
    grown = f"memory in the last quarter, {name}, to the first quarter"
    return [
        Result(held, most, 3 * cap + 50, "open", 1.0, descriptors),
        Result(grown, last, first, "MiB", 1.05, memory),
    ]


def cycle(seconds: float) -> tuple[Points, Points]:
    """Descriptors and resident memory, looked at four times a second."""
    chosen = random.Random(7)
    descriptors: Points = []
    memory: Points = []
    checks = 0
    began = monotonic()
    while (elapsed := monotonic() - began) < seconds:
        if elapsed >= len(memory) / 4:
            descriptors.append((round(elapsed, 2), len(list(Path("/proc/self/fd").iterdir()))))
            memory.append((round(elapsed, 2), round(resident() / MEBIBYTE, 2)))
        with context.organization(f"tenant-{chosen.randint(1, TENANTS)}"):
            if not access.check(USER, ACTION, RESOURCE):
                raise AssertionError("refused")
        checks += 1
    Console(stderr=True).print(f"{checks:,} checks of tenants at random in {seconds:.0f} s")
    return descriptors, memory


def resident() -> int:
    """Bytes of memory that this process holds: proc(5)'s statm."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

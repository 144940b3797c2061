"""`python -m bench`: every bench, each in a process and a data directory of its own, as one table."""

import json
import os
import subprocess
import sys
from typing import Any

from rich.console import Console

from bench import results

SUBJECTS = (
    "warm_check", "cold_open", "new_database", "gate", "lifecycle", "reaper", "signup", "sign_in", "fleet",
    "http_checks", "entitlements", "webhook_storm", "console",
)  # fmt: skip
# A bench keeps one processor busy, and the http checks two: what is more was somebody else's.
BUSY = 2.5


def run(subject: str) -> list[dict[str, Any]]:
    """The rows of one bench, which draws its own progress; they also tell when a budget is missed."""
    command = [sys.executable, "-m", f"bench.{subject}", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if not done.stdout:
        raise SystemExit(f"bench.{subject} failed with exit status {done.returncode}")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def main() -> int:
    loads: list[float] = []
    rows: list[dict[str, Any]] = []
    for subject in SUBJECTS:
        loads.append(os.getloadavg()[0])
        rows += run(subject)
    Console().print(results.table(rows))
    if max(loads) > BUSY:
        Console(stderr=True).print(
            f"The machine was busy (load up to {max(loads):.1f}): limits in milliseconds may be missed."
        )
    results.write(rows, load=max(loads))
    return results.exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())

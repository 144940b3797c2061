"""A process that holds a drill and meets a signal after one of its steps:
`python -m tests.runbooks.drills.child NAME STEP SIGNAL`."""

import os
import sys

import django


def main(name: str, step: str, number: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pulse.settings")
    django.setup()
    from pulse import faults
    from pulse.actors import from_job
    from runbooks.drills import runner

    faults.arm(f"drill.{step}", lambda: os.kill(os.getpid(), int(number)))
    runner.run(name, actor=from_job("child"))


if __name__ == "__main__":
    main(*sys.argv[1:])

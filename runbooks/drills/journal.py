"""The journal of a run: a row for each step once it has ended, with what was expected and seen."""

from collections.abc import Callable
from time import perf_counter

import structlog
from django.utils import timezone

from runbooks.drills.declaration import Unexpected
from runbooks.models import DrillRun, DrillStep

log = structlog.get_logger(__name__)

LONGEST_DETAIL = 8000


class Journal:
    """`tell` is given each row as it is written."""

    def __init__(self, run: DrillRun, tell: Callable[[DrillStep], object]) -> None:
        self.run, self.tell = run, tell
        self.lines: list[str] = []
        self.number = run.steps.count()

    def say(self, line: str) -> None:
        """A line of the detail of the step at hand."""
        self.lines.append(line)

    def keep(self, phase: str, name: str, act: Callable[[], object]) -> bool:
        """Do it and write how it went; whether it went well. What ends the process is written and goes on."""
        started_at, started, passed = timezone.now(), perf_counter(), False
        self.lines = []
        try:
            act()
            passed = True
        except Unexpected as surprise:
            self.say(str(surprise))
        except Exception as error:
            log.exception("drill step failed", drill=self.run.drill, step=name)
            self.say(f"{type(error).__name__}: {error}")
        except BaseException as ending:
            self.say(f"stopped: {type(ending).__name__}")
            raise
        finally:
            self.number += 1
            self.tell(
                DrillStep.objects.create(
                    run=self.run,
                    number=self.number,
                    phase=phase,
                    name=name[:200],
                    passed=passed,
                    detail="\n".join(self.lines)[:LONGEST_DETAIL],
                    started_at=started_at,
                    seconds=perf_counter() - started,
                )
            )
            self.run.beat_at = timezone.now()
            self.run.save(update_fields=("beat_at",))
        return passed

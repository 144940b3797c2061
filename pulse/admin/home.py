"""The admin's first page: what needs attention, in order of harm, then the figures of each app.

An app registers a source; each answers for itself by a few cheap queries, for those who may read it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from pulse import health, hosted_mode, jobs
from pulse.admin import actors
from pulse.admin.filters import counted_at_most
from pulse.models import AuditEvent

RECENT_EVENTS = 8
# Whoever has more of one kind to attend to needs no exact number.
MOST_COUNTED = 1000
LATE_AFTER_SECONDS = 300


class Harm(IntEnum):
    """What is hurt, the worst first."""

    DATA = 1
    SERVICE = 2
    MONEY = 3
    GUARD = 4
    CHORE = 5


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that waits for an operator, and where to act on it."""

    harm: Harm
    text: str
    path: str
    action: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the list that it counts; `note` says how it has changed.

    A bounded one is of `bounded_count`, and at its bound has a plus.
    """

    label: str
    value: int | str
    path: str
    note: str = ""
    is_bounded: bool = False

    @property
    def shown(self) -> str:
        if isinstance(self.value, str):
            return self.value
        return f"{self.value:,}+" if self.is_bounded and self.value >= MOST_COUNTED else f"{self.value:,}"


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    icon: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar for each label, as django-unfold's component takes them."""

    title: str
    data: str


@dataclass(frozen=True, slots=True)
class Part:
    """What one app has to say."""

    panels: tuple[Panel, ...] = ()
    concerns: tuple[Concern, ...] = ()
    charts: tuple[Chart, ...] = ()


# In the order of the page.
sources: list[Callable[[HttpRequest], Part]] = []


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """django-unfold's `DASHBOARD_CALLBACK`."""
    may = request.user.has_perm
    context["title"] = "Overview"
    parts = [source(request) for source in sources]
    concerns = [concern for part in parts for concern in part.concerns]
    context["concerns"] = sorted(concerns, key=lambda concern: concern.harm)
    context["panels"] = [panel for part in parts for panel in part.panels]
    context["charts"] = [chart for part in parts for chart in part.charts]
    if may("pulse.view_killswitch"):
        context["state"] = hosted_mode.state()
        context["stage"] = settings.PULSE_STAGE
    if may("pulse.view_auditevent"):
        context["events"] = actors.name_actors(AuditEvent.objects.all()[:RECENT_EVENTS])
    return context


def bounded_count(rows: QuerySet[Any]) -> int:
    """At most `MOST_COUNTED`."""
    return counted_at_most(MOST_COUNTED, rows).count()


def in_words(count: int, one: str, many: str) -> str:
    """Such as `1 organization` or `1,000 or more organizations`."""
    if count >= MOST_COUNTED:
        return f"{count:,} or more {many}"
    return f"{count:,} {one if count == 1 else many}"


def part(request: HttpRequest) -> Part:
    """The ground floor's: the processes and the queue."""
    if not request.user.has_perm("pulse.view_schedule"):
        return Part()
    waiting = jobs.oldest_waiting_seconds(now=timezone.now())
    queue = reverse("admin:django_tasks_database_dbtaskresult_changelist")
    failed = bounded_count(DBTaskResult.objects.filter(status=TaskResultStatus.FAILED))
    figures = (
        Figure("Oldest waiting", _duration(waiting), f"{queue}?status__exact=READY"),
        Figure("Failed", failed, f"{queue}?status__exact=FAILED", is_bounded=True),
    )
    return Part((Panel("Jobs", "task_alt", figures),), tuple(_concerns(waiting, queue)))


def _concerns(waiting: float, queue: str) -> Iterable[Concern]:
    for name, check in health.ASKED_OF_THE_DATABASE.items():
        if (found := check()) != "ok":
            yield Concern(Harm.SERVICE, f"{name.capitalize()}: {found}", queue, "See the queue")
    if waiting > LATE_AFTER_SECONDS:
        yield Concern(Harm.SERVICE, f"A job has waited for {_duration(waiting)}", queue, "See the queue")


def _duration(seconds: float) -> str:
    """In the largest whole unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


sources.append(part)

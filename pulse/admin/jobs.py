"""Schedules, and what became of the jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Registers its own page for the queue, which gives way to ours.
import django_tasks_db.admin  # noqa: F401
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django_tasks_db.models import DBTaskResult, get_date_max
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from pulse import offers, schedules
from pulse.admin import moments, schedule_forms
from pulse.admin.filters import BoundedPaginator
from pulse.admin.forms import OptionalReasonForm
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from pulse.models import Schedule
from pulse.problems import InvalidRequest

VIEW = "pulse.view_schedule"
RECENT = 20
RUN_COLOURS = {"READY": "info", "RUNNING": "primary", "SUCCESSFUL": "success", "FAILED": "danger"}


@dataclass(frozen=True, slots=True)
class ScheduleAction:
    title: str
    icon: str
    variant: ActionVariant
    verb: Callable[..., Schedule]
    consequence: str
    done: str


ACTIONS = {
    "run": ScheduleAction(
        "Run now",
        "play_arrow",
        ActionVariant.PRIMARY,
        schedules.run_now,
        "Its job is put into the queue once more; the next time on the schedule stays as it is.",
        "{} is in the queue.",
    ),
    "pause": ScheduleAction(
        "Pause",
        "pause",
        ActionVariant.WARNING,
        schedules.pause,
        "It does not fire again until somebody resumes it.",
        "{} is paused.",
    ),
    "resume": ScheduleAction(
        "Resume",
        "resume",
        ActionVariant.SUCCESS,
        schedules.resume,
        "It fires again from its next time on; what it missed is not caught up.",
        "{} is on.",
    ),
}


# The form that undoes an action, by the action's title.
UNDO = {"Pause": "resume", "Resume": "pause"}
FORMS: dict[str, type[VerbView]] = {"times": schedule_forms.Change, "remove": schedule_forms.Delete}


class ScheduleView(VerbView):
    permission = schedules.CHANGE
    form_class = OptionalReasonForm
    action = ACTIONS["run"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        heading = f"{self.action.title}: {self.subject.name}"
        return super().get_context_data(title=heading, submit_text=self.action.title, **kwargs)

    def consequences(self) -> Sequence[str]:
        return (self.action.consequence,)

    def carry_out(self, *, reason: str) -> Schedule:
        return self.action.verb(self.subject.name, actor=self.actor, reason=reason)

    def finish(self, result: Schedule) -> HttpResponse:
        return self.leave(self.back(), self.action.done.format(result.name), undo=self._way_back(result))

    def _way_back(self, result: Schedule) -> tuple[str, str] | None:
        back = UNDO.get(self.action.title)
        return (f"Undo: {back}", self.model_admin.path_of(back, result.pk)) if back else None


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    page_template = "pulse/admin/schedule.html"
    export_fields = ("name", "task", "cron", "enabled", "next_run_at", "last_run_at")
    list_display = ("name", "does", "state", "expression", "next_run", "last_run")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(schedules.CHANGE))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return schedule_forms.Add.as_view(model_admin=self)(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        forms = [
            path("preview/", view(schedule_forms.Preview.as_view()), name="pulse_schedule_preview"),
            *(
                path(
                    f"<int:object_id>/{name}/",
                    view(form.as_view(model_admin=self)),
                    name=f"pulse_schedule_{name}",
                )
                for name, form in FORMS.items()
            ),
        ]
        forms += [
            path(
                f"<int:object_id>/{name}/",
                view(ScheduleView.as_view(model_admin=self, action=action)),
                name=f"pulse_schedule_{name}",
            )
            for name, action in ACTIONS.items()
        ]
        return [*forms, *super().get_urls()]

    def row_buttons(self, request: HttpRequest, row: Schedule) -> Sequence[Button]:
        if not request.user.has_perm(schedules.CHANGE):
            return ()
        offered = ("run", "pause" if row.enabled else "resume")
        deletes = offers.is_offered(row.task)
        return [
            Button("Change times", self.path_of("times", row.pk), "edit_calendar"),
            *(
                [Button("Delete", self.path_of("remove", row.pk), "delete", ActionVariant.DANGER)]
                if deletes
                else []
            ),
            *(
                Button(
                    ACTIONS[name].title,
                    self.path_of(name, row.pk),
                    ACTIONS[name].icon,
                    ACTIONS[name].variant,
                )
                for name in offered
            ),
        ]

    def page_context(self, request: HttpRequest, row: Schedule) -> dict[str, Any]:
        runs = DBTaskResult.objects.filter(task_path=row.task).order_by("-enqueued_at")
        if row.arguments:
            runs = runs.filter(args_kwargs__kwargs=row.arguments)
        return {
            "schedule": row,
            "does": self.does(row),
            "runs": runs[:RECENT],
            "firings": _firings(row),
        }

    @display(description="What it does")
    def does(self, schedule: Schedule) -> str:
        return _title(schedule) or _first_line(schedule.task)

    @display(description="Cron", ordering="cron")
    def expression(self, schedule: Schedule) -> SafeString:
        return schedule_forms.expression_of(schedule)

    @display(description="State", label={"on": "success", "paused": "warning"})
    def state(self, schedule: Schedule) -> str:
        return "on" if schedule.enabled else "paused"

    @display(description="Next run (UTC)", ordering="next_run_at")
    def next_run(self, schedule: Schedule) -> SafeString | str:
        if not schedule.enabled:
            return moments.NOTHING
        return moments.short(schedule.next_run_at) if schedule.next_run_at else "now"

    @display(description="Last run (UTC)", ordering="last_run_at")
    def last_run(self, schedule: Schedule) -> SafeString | str:
        return moments.short(schedule.last_run_at)


def _title(schedule: Schedule) -> str:
    """What was offered as this job with these arguments; nothing for a job of Pulse's own."""
    offered = offers.everything().values()
    titles = (
        one.title for one in offered if (one.task, one.arguments) == (schedule.task, schedule.arguments)
    )
    return next(titles, "")


def _firings(schedule: Schedule) -> list[schedule_forms.Firing]:
    """The next five; none for an expression that means nothing."""
    try:
        return schedule_forms.firings(schedule.cron, schedule.time_zone)
    except InvalidRequest:
        return []


def _first_line(task: str) -> str:
    """What the job's docstring says first; nothing for a job that is no longer there."""
    try:
        documented = import_string(task).func.__doc__ or ""
    except ImportError:
        return "There is no such job any more."
    return str(documented.strip().splitlines()[0]) if documented.strip() else moments.NOTHING


admin.site.unregister(DBTaskResult)


@admin.register(DBTaskResult)
class JobRunAdmin(ReadOnlyAdmin):
    """The queue: what waits, runs, is done, has failed. Who may read schedules may read it."""

    page_template = "pulse/admin/job_run.html"
    paginator = BoundedPaginator
    list_display = ("job", "state", "enqueued", "started", "finished")
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("task_path",)
    search_help_text = "A job's name"
    export_fields = ("id", "task_path", "status", "enqueued_at", "started_at", "finished_at")
    ordering = ("-enqueued_at",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(VIEW))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def frame(self, request: HttpRequest, row: Any = None) -> dict[str, Any]:
        return super().frame(request, row) | {"title": row.task_path if row else "Job runs"}

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        undated = row.run_after == get_date_max()
        return {
            "run": row,
            "state": self.state(row),
            "colour": RUN_COLOURS[row.status],
            "run_after": None if undated else row.run_after,
        }

    @display(description="Job")
    def job(self, run: Any) -> str:
        return str(run.task_path)

    @display(description="State", label={name.lower(): colour for name, colour in RUN_COLOURS.items()})
    def state(self, run: Any) -> str:
        return str(run.status).lower()

    @display(description="Enqueued (UTC)", ordering="enqueued_at")
    def enqueued(self, run: Any) -> SafeString | str:
        return moments.short(run.enqueued_at)

    @display(description="Started (UTC)")
    def started(self, run: Any) -> SafeString | str:
        return moments.short(run.started_at)

    @display(description="Finished (UTC)")
    def finished(self, run: Any) -> SafeString | str:
        return moments.short(run.finished_at)

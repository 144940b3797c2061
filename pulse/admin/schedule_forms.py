"""Forms that put jobs on a schedule, move and delete one, and what shows when an expression fires."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget

from pulse import cron, offers, schedules
from pulse.admin.forms import OptionalReasonForm, ReasonField, text_input
from pulse.admin.pages import OperatorPage, VerbView
from pulse.admin.seen import SeenForm, SeenView
from pulse.models import AuditEvent, Schedule
from pulse.problems import InvalidRequest

SHOWN = 5
FIELDS = {
    "invalid_schedule_name": "name",
    "schedule_exists": "name",
    "unknown_job": "job",
    "invalid_cron": "expression",
    "invalid_time_zone": "time_zone",
}


@dataclass(frozen=True, slots=True)
class Firing:
    """A moment, and as a clock in the schedule's time zone shows it: templates would turn that into UTC."""

    moment: datetime

    @property
    def local(self) -> str:
        return f"{self.moment:%a %-d %b %Y, %H:%M %Z}"


def firings(expression: str, time_zone: str) -> list[Firing]:
    """The next five. Raises `InvalidCron`, `InvalidTimeZone`."""
    cron.check(expression, time_zone)
    return list(map(Firing, cron.next_firings(expression, timezone.now(), time_zone, SHOWN)))


class Preview(OperatorPage):
    """When the expression that is being typed would fire, as a part of the form."""

    permission = schedules.CHANGE

    def get(self, request: HttpRequest) -> HttpResponse:
        given = request.GET.get("expression", ""), request.GET.get("time_zone", "")
        context: dict[str, Any]
        try:
            context = {"firings": firings(*given)}
        except InvalidRequest as refusal:
            context = {"refusal": refusal.detail}
        return TemplateResponse(request, "pulse/admin/firings.html", context)


def _asking(**attrs: str) -> dict[str, Any]:
    """Has htmx show the next firings below the expression while it is typed."""
    return attrs | {
        "hx-get": reverse_lazy("admin:pulse_schedule_preview"),
        "hx-trigger": "load, keyup changed delay:300ms, change",
        "hx-target": "#firings",
        "hx-include": "[name=expression],[name=time_zone]",
        "hx-params": "expression,time_zone",
        # The form around it has these of its own.
        "hx-select": "unset",
        "hx-swap": "innerHTML",
    }


class TimeForm(forms.Form):
    expression = forms.CharField(
        label="Cron",
        max_length=100,
        widget=text_input(**_asking(autocomplete="off", placeholder="30 2 * * 1-5")),
        help_text=format_html(
            "{}<span id='firings' aria-live='polite'></span>",
            "Minute, hour, day, month, weekday. In the hour that clocks skip it fires at its end, in the one "
            "that they repeat once.",
        ),
    )
    time_zone = forms.CharField(
        max_length=64,
        initial="UTC",
        widget=text_input(**_asking(autocomplete="off")),
        help_text="UTC, or such as Europe/Berlin.",
    )
    reason = ReasonField(required=False, help_text="Optional; kept in the audit log. At most 500 characters.")


class NewForm(TimeForm):
    name = forms.CharField(
        max_length=50, widget=text_input(autofocus=""), help_text="Letters, digits, - and _."
    )
    job = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    field_order = ("name", "job", "expression", "time_zone", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(key, offer.title) for key, offer in offers.everything().items()]
        self.fields["job"].choices = choices  # type: ignore[attr-defined]


class Add(VerbView):
    permission = schedules.CHANGE
    title = submit = "Add schedule"
    form_class = NewForm
    fields_of = VerbView.fields_of | FIELDS

    def carry_out(self, **wanted: str) -> Schedule:
        return schedules.create(**wanted, actor=self.actor)

    def finish(self, result: Schedule) -> HttpResponse:
        return self.leave(self.model_admin.path_of("change", result.pk), f"{result.name} is on.")


class ChangeForm(TimeForm, SeenForm):
    """The times, with the version of those that were read."""


class Change(SeenView):
    permission = schedules.CHANGE
    title = submit = "Change times"
    form_class = ChangeForm
    fields_of = VerbView.fields_of | FIELDS

    def present(self) -> dict[str, str]:
        return schedules.times_of(Schedule.objects.get(pk=self.subject.pk))

    def history(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(verb="schedule.change", after__schedule=self.subject.name)

    def initial_of(self, present: dict[str, str]) -> dict[str, Any]:
        return present

    def carry_out(self, *, seen: str, **wanted: str) -> Schedule:
        return schedules.change(self.subject.name, **wanted, actor=self.actor, seen=[seen])

    def finish(self, result: Schedule) -> HttpResponse:
        return self.leave(self.back(), f"{result.name} fires by its new times.")


class Delete(VerbView):
    permission = schedules.CHANGE
    title = submit = "Delete"
    danger = True
    form_class = OptionalReasonForm

    def consequences(self) -> tuple[str]:
        return ("It fires no more. What it ran stays in the history.",)

    def carry_out(self, *, reason: str) -> str:
        schedules.delete(self.subject.name, actor=self.actor, reason=reason)
        return str(self.subject.name)

    def finish(self, result: str) -> HttpResponse:
        return self.leave(self.model_admin.path_of("changelist"), f"{result} is deleted.")


def expression_of(schedule: Schedule) -> SafeString:
    return format_html(
        '<code class="pulse-moment">{}</code> <span class="pulse-subtle">{}</span>',
        schedule.cron,
        schedule.time_zone,
    )

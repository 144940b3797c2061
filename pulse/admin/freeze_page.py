"""The freeze of operators' writes: whether it is in force, since when and why, and its two buttons."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.enums import ActionVariant

from pulse import freeze, frozen
from pulse.admin import actors
from pulse.admin.forms import ReasonForm
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from pulse.models import AuditEvent, Freeze

HISTORY = 20


class Begin(VerbView):
    permission = freeze.PERMISSION
    title = "Freeze operators' writes"
    submit = "Freeze"
    danger = True
    form_class = ReasonForm

    def consequences(self) -> Sequence[str]:
        return (
            "Whatever operators change, here, over the API or by a command, is refused from now on.",
            "Incidents, suspending and restoring organizations, backups and exports go on, and hosted mode "
            "can be shut. Jobs and the tenants' own people go on, too.",
            "Every page of this admin says so, with your name and your reason, until somebody lifts it.",
        )

    def refusal(self) -> str:
        return freeze.AlreadyFrozen.detail if frozen.is_frozen() else ""

    def carry_out(self, *, reason: str) -> Freeze:
        return freeze.begin(actor=self.actor, reason=reason)

    def finish(self, result: Freeze) -> HttpResponse:
        return self.leave(self.back(), "Operators' writes are frozen.")


class Lift(VerbView):
    permission = freeze.PERMISSION
    title = "Lift the freeze"
    submit = "Lift"
    form_class = ReasonForm

    def consequences(self) -> Sequence[str]:
        return ("Operators may write again, in every process.",)

    def refusal(self) -> str:
        return "" if frozen.is_frozen() else freeze.NotFrozen.detail

    def carry_out(self, *, reason: str) -> Freeze:
        return freeze.lift(actor=self.actor, reason=reason)

    def finish(self, result: Freeze) -> HttpResponse:
        return self.leave(self.back(), "The freeze is lifted.")


@admin.register(Freeze)
class FreezeAdmin(ReadOnlyAdmin):
    """One page in place of a list, because there is one freeze."""

    page_template = "pulse/admin/freeze.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("begin/", view(Begin.as_view(model_admin=self)), name="pulse_freeze_begin"),
            path("lift/", view(Lift.as_view(model_admin=self)), name="pulse_freeze_lift"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        if not self.has_view_permission(request) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        events = AuditEvent.objects.filter(verb__in=("freeze.begin", "freeze.lift"))
        context = self.frame(request) | {
            "title": "Freeze",
            "is_frozen": frozen.is_frozen(),
            "events": actors.name_actors(events[:HISTORY]),
            "actions_detail": list(map(asdict, self.list_buttons(request))),
        }
        return TemplateResponse(request, self.page_template, context)

    def list_buttons(self, request: HttpRequest) -> Sequence[Button]:
        if not request.user.has_perm(freeze.PERMISSION):
            return ()
        if frozen.is_frozen():
            return (Button("Lift", self.path_of("lift"), "lock_open", ActionVariant.SUCCESS),)
        return (Button("Freeze", self.path_of("begin"), "ac_unit", ActionVariant.DANGER),)

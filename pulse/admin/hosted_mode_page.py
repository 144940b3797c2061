"""Hosted mode: whether it is open, why not, and the kill switch."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.enums import ActionVariant

from pulse import hosted_mode
from pulse.admin import actors
from pulse.admin.forms import OptionalReasonForm, ReasonForm
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from pulse.models import AuditEvent, KillSwitch

FLIP = "pulse.flip_killswitch"
HISTORY = 20


def gate_badge(request: HttpRequest) -> list[str]:
    """The gate's state for the header of every page: its words and their colour."""
    try:
        state = hosted_mode.state()
    except DatabaseError:
        return ["gate unknown", "warning"]
    if state.open:
        return ["gate open", "success"]
    lacks_verdict = any(reason.startswith(hosted_mode.NO_VERDICT) for reason in state.reasons)
    return ["gate shut: no verdict" if lacks_verdict else "gate shut", "danger"]


class Kill(VerbView):
    permission = FLIP
    title = "Shut hosted mode"
    submit = "Shut hosted mode"
    danger = True
    form_class = ReasonForm

    def consequences(self) -> Sequence[str]:
        return (
            "Every hosted route answers 404 from the next request on, in every process, for every tenant.",
            "Health checks, metrics and this admin go on. No data is changed.",
            "It stays shut until somebody reopens it, through restarts too.",
        )

    def refusal(self) -> str:
        return "The kill switch is on already." if hosted_mode.is_killed() else ""

    def carry_out(self, *, reason: str) -> KillSwitch:
        return hosted_mode.kill(actor=self.actor, reason=reason)

    def finish(self, result: KillSwitch) -> HttpResponse:
        return self.leave(self.back(), "Hosted mode is shut.")


class Revive(VerbView):
    permission = FLIP
    title = "Reopen hosted mode"
    submit = "Reopen"
    form_class = OptionalReasonForm

    def consequences(self) -> Sequence[str]:
        others = [reason for reason in hosted_mode.state().reasons if reason != hosted_mode.KILLED]
        if others:
            return ("The kill switch goes off, but hosted mode stays shut: " + "; ".join(others) + ".",)
        return ("Every hosted route answers again from the next request on, in every process.",)

    def refusal(self) -> str:
        return "" if hosted_mode.is_killed() else "The kill switch is off already."

    def carry_out(self, *, reason: str) -> KillSwitch:
        return hosted_mode.revive(actor=self.actor, reason=reason)

    def finish(self, result: KillSwitch) -> HttpResponse:
        is_open = hosted_mode.state().open
        return self.leave(self.back(), "Hosted mode is open." if is_open else "The kill switch is off.")


@admin.register(KillSwitch)
class KillSwitchAdmin(ReadOnlyAdmin):
    """One page in place of a list, because there is one switch."""

    page_template = "pulse/admin/hosted_mode.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("kill/", view(Kill.as_view(model_admin=self)), name="pulse_killswitch_kill"),
            path("revive/", view(Revive.as_view(model_admin=self)), name="pulse_killswitch_revive"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        if not self.has_view_permission(request) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        flips = AuditEvent.objects.filter(verb__in=("hosted_mode.kill", "hosted_mode.revive"))
        switch = KillSwitch.objects.filter(id=1).first()
        context = self.frame(request) | {
            "title": "Hosted mode",
            "state": hosted_mode.state(),
            "switch": switch,
            "stage": settings.PULSE_STAGE,
            "events": actors.name_actors(flips[:HISTORY]),
            "actions_detail": list(map(asdict, self.list_buttons(request))),
        }
        return TemplateResponse(request, self.page_template, context)

    def list_buttons(self, request: HttpRequest) -> Sequence[Button]:
        if not request.user.has_perm(FLIP):
            return ()
        if hosted_mode.is_killed():
            return (Button("Reopen", self.path_of("revive"), "lock_open", ActionVariant.SUCCESS),)
        return (Button("Shut hosted mode", self.path_of("kill"), "power_settings_new", ActionVariant.DANGER),)

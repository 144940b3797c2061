"""The readiness board in place of a list of packets, and the page of each packet with its evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from unfold.enums import ActionVariant

from pulse import hosted_mode
from pulse.admin import actors
from pulse.admin.forms import ConfirmForm, ReasonForm
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from pulse.problems import Problem
from pulse.settings import STAGES
from runbooks import errors, lanes, packets, readiness, release, runs, verdicts
from runbooks.models import EvidenceRecord, EvidenceRun, Packet, PacketState, Role, Verdict
from runbooks.readiness import Line
from runbooks.tasks import run_evidence

RUNS = 20
VERDICTS = 10
COLOURS = {
    PacketState.PLANNED: "default",
    PacketState.RUNNING: "primary",
    PacketState.IMPLEMENTED: "info",
    PacketState.APPROVED: "success",
    PacketState.REJECTED: "danger",
    packets.STALE: "warning",
    "met": "success",
    "whole": "success",
    "open": "warning",
    "broken": "danger",
}
OUTCOMES = {
    "GO": ("pulse-success", "check_circle"),
    "GO_WITH_CONDITIONS": ("pulse-warning", "rule"),
    "NO_GO": ("pulse-danger", "block"),
}


class PacketView(VerbView):
    """A form about the packet that the address names."""

    @cached_property
    def packet(self) -> lanes.Packet:
        return find(self.kwargs["lane"], self.kwargs["packet"])

    def back(self) -> str:
        return address_of(self.packet.lane, self.packet.id)


class RunEvidence(PacketView):
    form_class = ConfirmForm
    submit = "Run"
    role = Role.IMPLEMENTER

    def consequences(self) -> Sequence[str]:
        minutes = sum(command.minutes for command in self.packet.acceptance)
        commands = ", ".join(map(str, self.packet.acceptance))
        became = "implemented" if self.role == Role.IMPLEMENTER else "approved, and rejected when one fails"
        return (
            f"A worker runs, as you, for at most {minutes:.0f} minutes: {commands}.",
            f"When every command passes, {self.packet.id} is {became}.",
            "Their output becomes evidence, which nobody can change afterwards.",
        )

    def refusal(self) -> str:
        try:
            packets.require_startable(self.packet, role=self.role, code=release.on_disk(), actor=self.actor)
        except Problem as problem:
            return problem.detail
        return ""

    def carry_out(self) -> None:
        runs.enqueue(self.packet, role=self.role, actor=self.actor)

    def finish(self, result: None) -> HttpResponse:
        return self.leave(self.back(), f"The evidence of {self.packet.id} is in the queue.")


class Reject(PacketView):
    permission = packets.REVIEW
    title = "Reject the packet"
    submit = "Reject"
    danger = True
    form_class = ReasonForm

    def consequences(self) -> Sequence[str]:
        return (
            f"{self.packet.id} counts no more, until it is implemented and reviewed again.",
            "A verdict that stands goes on standing; revoke it if it must not.",
        )

    def carry_out(self, *, reason: str) -> Packet:
        return packets.reject(self.packet, actor=self.actor, reason=reason)

    def finish(self, result: Packet) -> HttpResponse:
        return self.leave(self.back(), f"{self.packet.id} is rejected.")


FORMS = {
    "implement": RunEvidence.as_view,
    "review": RunEvidence.as_view,
    "reject": Reject.as_view,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "implement": {
        "permission": packets.IMPLEMENT, "role": Role.IMPLEMENTER, "title": "Run its evidence as implementer",
    },
    "review": {
        "permission": packets.REVIEW, "role": Role.REVIEWER, "title": "Run its evidence as reviewer",
    },
    "reject": {},
}  # fmt: skip


@admin.register(Packet)
class PacketAdmin(ReadOnlyAdmin):
    """The board in place of a list: packets are declared in files, and rows say how far they have come."""

    page_template = "runbooks/admin/packet.html"
    export_fields = (
        "lane",
        "name",
        "state",
        "changed_at",
        "implementation",
        "review",
        "implementer",
        "reviewer",
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        forms = [
            path(
                f"<str:lane>/<str:packet>/{name}/",
                view(made(model_admin=self, **OPTIONS[name])),
                name=f"runbooks_packet_{name}",
            )
            for name, made in FORMS.items()
        ]
        rollout = path("rollout/", view(self.rollout_view), name="runbooks_packet_rollout")
        page = path("<str:lane>/<str:packet>/", view(self.packet_view), name="runbooks_packet_page")
        return [rollout, *forms, page, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        self._require_reader(request)
        stage = request.GET.get("stage") or readiness.default_stage()
        if stage not in STAGES:
            raise Http404
        computed = readiness.compute(stage)
        kinds = {line.kind for line in computed.lines}
        colour, icon = OUTCOMES[computed.outcome]
        history = list(Verdict.objects.filter(stage=stage).select_related("end")[:VERDICTS])
        names = actors.names_of(verdict.signed_by for verdict in history)
        context = self.frame(request) | {
            "title": "Readiness",
            "stage": stage,
            "stages": STAGES,
            "is_ours": stage == settings.PULSE_STAGE,
            "computed": computed,
            "colour": colour,
            "answer_icon": icon,
            "gate": hosted_mode.state(),
            "stands": verdicts.stands(stage),
            "packets": [_row(line) for line in computed.lines if line.kind == "packet"],
            "others": [_row(line) for line in computed.lines if line.kind != "packet"],
            "risks": list(_risks()) if "lane" not in kinds else [],
            "verdicts": [_signed(verdict, names) for verdict in history],
            "actions_detail": list(map(asdict, self.board_buttons(request, stage))),
        }
        return TemplateResponse(request, "runbooks/admin/readiness.html", context)

    def board_buttons(self, request: HttpRequest, stage: str) -> Sequence[Button]:
        verify = reverse("admin:runbooks_evidencerecord_verify")
        buttons = [
            Button("Rollout policy", self.path_of("rollout"), "map", dialog=False),
            Button("Verify the evidence", verify, "verified", dialog=False),
            *self.export_buttons(request),
        ]
        if request.user.has_perm(verdicts.SIGN):
            sign = f"{reverse('admin:runbooks_verdict_sign')}?stage={stage}"
            buttons.insert(0, Button("Sign the verdict", sign, "signature", ActionVariant.PRIMARY))
        return buttons

    def packet_view(self, request: HttpRequest, lane: str, packet: str) -> TemplateResponse:
        self._require_reader(request)
        found = find(lane, packet)
        row = Packet.objects.filter(lane=lane, name=packet).first()
        standings = packets.standings()
        standing = standings[lane, packet]
        records = EvidenceRecord.objects.only(
            "sequence", "run", "argv", "passed", "failure", "seconds", "junit"
        )
        held = EvidenceRun.objects.filter(lane=lane, subject=packet)
        held = held.prefetch_related(Prefetch("records", records))[:RUNS]
        names = actors.names_of(run.actor for run in held)
        waits = _waits(lane, packet)
        context = self.frame(request) | {
            "title": f"{packet} {found.title}",
            "packet": found,
            "row": row,
            "standing": standing,
            "colour": COLOURS[standing.state],
            "todo": readiness.NEXT.get(standing.state, "").format(packet),
            "runs": [{"run": run, "who": names.get(run.actor, run.actor)} for run in held],
            "waits": waits,
            "is_moving": waits or any(run.ended_at is None for run in held),
            "requires": [(one, standings[lane, one].state) for one in found.requires],
            "actions_detail": list(map(asdict, self.packet_buttons(request, found, standing.state))),
        }
        return TemplateResponse(request, self.page_template, context)

    def packet_buttons(self, request: HttpRequest, packet: lanes.Packet, state: str) -> Iterator[Button]:
        def button(name: str, title: str, icon: str, variant: ActionVariant) -> Button:
            address = reverse(f"admin:runbooks_packet_{name}", args=(packet.lane, packet.id))
            return Button(title, address, icon, variant)

        if request.user.has_perm(packets.IMPLEMENT) and state != PacketState.RUNNING:
            yield button("implement", "Run as implementer", "play_arrow", ActionVariant.DEFAULT)
        if request.user.has_perm(packets.REVIEW) and state == PacketState.IMPLEMENTED:
            yield button("review", "Run as reviewer", "fact_check", ActionVariant.PRIMARY)
        if request.user.has_perm(packets.REVIEW) and state in (PacketState.IMPLEMENTED, PacketState.APPROVED):
            yield button("reject", "Reject", "thumb_down", ActionVariant.DANGER)

    def rollout_view(self, request: HttpRequest) -> TemplateResponse:
        self._require_reader(request)
        policies = [(lane, rollout) for lane in lanes.every().values() for rollout in lane.rollout]
        context = self.frame(request) | {
            "title": "Rollout policy",
            "policies": policies,
            "stage": settings.PULSE_STAGE,
        }
        return TemplateResponse(request, "runbooks/admin/rollout.html", context)

    def _require_reader(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied


def find(lane: str, packet: str) -> lanes.Packet:
    """Raises Http404."""
    try:
        return lanes.find_packet(packet, lane=lane)
    except errors.PacketNotFound as error:
        raise Http404 from error


def address_of(lane: str, packet: str) -> str:
    return reverse("admin:runbooks_packet_page", args=(lane, packet))


def _row(line: Line) -> dict[str, Any]:
    is_packet = line.kind == "packet"
    return {
        "line": line,
        "colour": COLOURS.get(line.state, "default"),
        "page": address_of(line.lane, line.id) if is_packet else "",
    }


def _risks() -> Iterator[dict[str, Any]]:
    standings = packets.standings()
    for lane in lanes.every().values():
        for risk in lane.risks:
            met = all(standings[lane.id, packet].counts for packet in risk.packets)
            yield {
                "risk": risk,
                "state": "met" if met else "open",
                "colour": COLOURS["met" if met else "open"],
            }


def _signed(verdict: Verdict, names: dict[str, str]) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "state": verdicts.state_of(verdict),
        "who": names.get(verdict.signed_by, verdict.signed_by),
    }


def _waits(lane: str, packet: str) -> bool:
    """Whether a run of it is in the queue, and no worker has taken it."""
    waiting = DBTaskResult.objects.filter(task_path=run_evidence.module_path, status=TaskResultStatus.READY)
    return any(job.args_kwargs["args"][:2] == [lane, packet] for job in waiting)

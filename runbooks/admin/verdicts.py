"""Verdicts: the list, the page of each with the lines it was computed from, and its signing and revoking."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from pulse.admin import actors, moments
from pulse.admin.forms import ReasonField, ReasonForm
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from pulse.settings import STAGES
from runbooks import readiness, verdicts
from runbooks.models import Outcome, Verdict, VerdictEnd
from runbooks.readiness import Readiness

OUTCOME_COLOURS: dict[str, str] = {
    Outcome.GO: "success",
    Outcome.GO_WITH_CONDITIONS: "warning",
    Outcome.NO_GO: "danger",
}
STATE_COLOURS = {
    "standing": "success", "no go": "danger", "not yet": "warning", "superseded": "default",
    "revoked": "danger", "lapsed": "danger", "expired": "warning",
}  # fmt: skip
# That many lines of a dialog say enough of what is open.
LINES = 8


class SignForm(forms.Form):
    outcome = forms.CharField(widget=forms.HiddenInput)
    reason = ReasonField(help_text="Why this may be run. Kept with the verdict. At most 500 characters.")


class Sign(VerbView):
    permission = verdicts.SIGN
    needs_recent_authentication = True
    form_class = SignForm
    submit = "Sign"

    @cached_property
    def computed(self) -> Readiness:
        stage = self.request.GET.get("stage", "")
        if stage not in STAGES:
            raise Http404
        return readiness.compute(stage)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        heading = f"Sign {self.computed.outcome} for {self.computed.stage}"
        is_no_go = self.computed.outcome == Outcome.NO_GO
        return super().get_context_data(title=heading, danger=is_no_go, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        return {"outcome": self.computed.outcome}

    def consequences(self) -> Sequence[str]:
        computed = self.computed
        if computed.outcome == Outcome.NO_GO:
            said = "This is kept as a record that the stage may not be run, and ends a verdict that stands."
            return (said, *map(str, computed.missing[:LINES]))
        days = settings.PULSE_VERDICT_DAYS
        opens = f"The gate of {computed.stage} opens, where hosted mode is on, for {days} days."
        return (
            opens,
            *(f"Stays open: {line.id} {line.title}, because {line.why}." for line in computed.open[:LINES]),
        )

    def carry_out(self, *, outcome: str, reason: str) -> Verdict:
        return verdicts.sign(self.computed.stage, actor=self.actor, reason=reason, outcome=outcome)

    def finish(self, result: Verdict) -> HttpResponse:
        page = self.model_admin.path_of("change", result.pk)
        return self.leave(page, f"{result.outcome} is signed for {result.stage}.")

    def back(self) -> str:
        return f"{reverse('admin:runbooks_packet_changelist')}?stage={self.computed.stage}"


class Revoke(VerbView):
    permission = verdicts.SIGN
    needs_recent_authentication = True
    title = "Revoke the verdict"
    submit = "Revoke"
    danger = True
    form_class = ReasonForm

    def consequences(self) -> Sequence[str]:
        return (
            f"Every hosted route of the stage {self.subject.stage} answers 404 from the next request on.",
            "It stays shut until another verdict is signed. No data is changed.",
        )

    def refusal(self) -> str:
        ended = VerdictEnd.objects.filter(verdict=self.subject).exists()
        return "The verdict stands no more." if ended else ""

    def carry_out(self, *, reason: str) -> Verdict:
        return verdicts.revoke(self.subject.pk, actor=self.actor, reason=reason)

    def finish(self, result: Verdict) -> HttpResponse:
        return self.leave(self.back(), "The verdict is revoked.")


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    page_template = "runbooks/admin/verdict.html"
    list_display = ("number", "stage", "answer", "state", "signed", "who", "until")
    list_filter = (("outcome", ChoicesDropdownFilter),)
    export_fields = (
        "id", "stage", "outcome", "version", "evidence_sequence", "signed_at", "signed_by", "reason",
        "expires_at", "end__how", "end__at", "end__actor", "end__reason",
    )  # fmt: skip
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        revoke = view(Revoke.as_view(model_admin=self))
        return [
            path("sign/", view(Sign.as_view(model_admin=self)), name="runbooks_verdict_sign"),
            path("<int:object_id>/revoke/", revoke, name="runbooks_verdict_revoke"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Verdict]:
        found: QuerySet[Verdict] = super().get_queryset(request)
        return found.select_related("end")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        self.names = actors.names_of(verdict.signed_by for verdict in changelist.result_list)
        return changelist

    def row_buttons(self, request: HttpRequest, row: Verdict) -> Sequence[Button]:
        if not request.user.has_perm(verdicts.SIGN) or VerdictEnd.objects.filter(verdict=row).exists():
            return ()
        return (Button("Revoke", self.path_of("revoke", row.pk), "gavel", ActionVariant.DANGER),)

    def page_context(self, request: HttpRequest, row: Verdict) -> dict[str, Any]:
        end = VerdictEnd.objects.filter(verdict=row).first()
        names = actors.names_of((row.signed_by, end.actor if end else ""))
        state = verdicts.state_of(row)
        return {
            "title": f"Verdict {row.pk}: {row}",
            "verdict": row,
            "end": end,
            "state": state,
            "state_colour": STATE_COLOURS[state],
            "colour": OUTCOME_COLOURS[row.outcome],
            "who": names.get(row.signed_by, row.signed_by),
            "ended_by": names.get(end.actor, end.actor) if end else "",
        }

    @display(description="#", ordering="pk")
    def number(self, verdict: Verdict) -> int:
        return verdict.pk

    @display(description="Outcome", label=OUTCOME_COLOURS)
    def answer(self, verdict: Verdict) -> str:
        return verdict.outcome

    @display(description="State", label=STATE_COLOURS)
    def state(self, verdict: Verdict) -> str:
        return verdicts.state_of(verdict)

    @display(description="Signed (UTC)")
    def signed(self, verdict: Verdict) -> SafeString | str:
        return moments.short(verdict.signed_at)

    @display(description="By")
    def who(self, verdict: Verdict) -> str:
        return self.names.get(verdict.signed_by, verdict.signed_by)

    @display(description="Until (UTC)")
    def until(self, verdict: Verdict) -> SafeString | str:
        return moments.short(verdict.expires_at)

"""The forms about an incident, each with its verb."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from pulse.admin.forms import ReasonForm
from pulse.admin.pages import VerbView
from pulse.admin.seen import SeenForm, SeenView
from pulse.models import AuditEvent
from runbooks import actions, handling, incident_mails, incidents, playbooks
from runbooks.incidents import HANDLE, LONGEST_NOTE, LONGEST_TITLE
from runbooks.models import Incident, Severity
from tenants.models import User


def note_field(*, required: bool, help_text: str) -> forms.CharField:
    return forms.CharField(
        label="Note",
        required=required,
        help_text=help_text,
        max_length=LONGEST_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "autofocus": True}),
    )


class OptionalNoteForm(forms.Form):
    note = note_field(required=False, help_text="Optional; a line of the timeline, for good.")


class NoteForm(forms.Form):
    note = note_field(required=True, help_text="A line of the timeline, for good.")


class OrganizationsField(forms.CharField):
    """Ids, separated by spaces or commas."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> Any:
        return super().clean(value).replace(",", " ").split()


class OpenForm(forms.Form):
    title = forms.CharField(
        max_length=LONGEST_TITLE,
        help_text="What is wrong, in one line.",
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
    )
    playbook = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    severity = forms.ChoiceField(
        required=False,
        choices=[("", "The playbook's"), *Severity.choices],
        widget=UnfoldAdminSelectWidget,
    )
    organizations = OrganizationsField(required=False, help_text="Ids of those concerned, if known.")
    note = note_field(required=False, help_text="What was seen, where and when.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = playbooks.everything().values()
        self.fields["playbook"].choices = [  # type: ignore[attr-defined]
            (one.id, f"{one.severity} {one.title}") for one in found
        ]


class Open(VerbView):
    permission = HANDLE
    title = "Open an incident"
    submit = "Open"
    form_class = OpenForm
    fields_of: ClassVar[dict[str, str]] = {
        "invalid_title": "title",
        "invalid_note": "note",
        "not_found": "organizations",
        "too_many_organizations": "organizations",
    }

    def consequences(self) -> Sequence[str]:
        return ("Its clocks start now, and whoever may handle incidents is mailed.",)

    def carry_out(self, **wanted: Any) -> Incident:
        return incidents.open_by_hand(actor=self.actor, **wanted)

    def finish(self, result: Incident) -> HttpResponse:
        return self.leave(self.model_admin.path_of("change", result.pk), f"{result.name} is open.")


class IncidentForm(VerbView):
    """One that leads back to the incident's page."""

    permission = HANDLE
    fields_of: ClassVar[dict[str, str]] = {"invalid_note": "note", "note_required": "note"}
    done = ""

    def finish(self, result: Any) -> HttpResponse:
        return self.leave(self.back(), self.done)


class Acknowledge(IncidentForm):
    title = submit = "Acknowledge"
    form_class = OptionalNoteForm
    done = "It is acknowledged."

    def consequences(self) -> Sequence[str]:
        owner = "" if self.subject.owner else " You become its owner."
        return (f"The first clock stops.{owner}",)

    def carry_out(self, *, note: str) -> Incident:
        return handling.acknowledge(self.subject.pk, note=note, actor=self.actor)


class Contain(IncidentForm):
    title = "It is contained"
    submit = "Contained"
    form_class = OptionalNoteForm
    done = "It is contained."

    def consequences(self) -> Sequence[str]:
        return ("It does no more harm, whether or not its cause is known.",)

    def carry_out(self, *, note: str) -> Incident:
        return handling.contain(self.subject.pk, note=note, actor=self.actor)


class Resolve(IncidentForm):
    title = submit = "Resolve"
    form_class = NoteForm
    done = "It is resolved."

    def consequences(self) -> Sequence[str]:
        return ("Say what it was and what was done. If it comes again, that is another incident.",)

    def carry_out(self, *, note: str) -> Incident:
        return handling.resolve(self.subject.pk, note=note, actor=self.actor)


class Review(IncidentForm):
    title = submit = "Review"
    form_class = NoteForm
    done = "It is reviewed."

    def consequences(self) -> Sequence[str]:
        return ("Say what was learned, and who does what by when so that it does not come again.",)

    def carry_out(self, *, note: str) -> Incident:
        return handling.review(self.subject.pk, note=note, actor=self.actor)


class Note(IncidentForm):
    title = submit = "Note"
    form_class = NoteForm
    done = "The note is in the timeline."

    def carry_out(self, *, note: str) -> Incident:
        return handling.note(self.subject.pk, text=note, actor=self.actor)


class SeverityForm(ReasonForm, SeenForm):
    severity = forms.ChoiceField(choices=Severity.choices, widget=UnfoldAdminSelectWidget)
    field_order = ("severity", "reason")


class ChangeSeverity(IncidentForm, SeenView):
    title = submit = "Change severity"
    form_class = SeverityForm
    done = "Its severity is changed."
    fields_of: ClassVar[dict[str, str]] = {"same_severity": "severity", "invalid_reason": "reason"}

    def present(self) -> str:
        return incidents.found(self.subject.pk).severity

    def history(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(verb="incident.severity", after__incident=self.subject.pk)

    def initial_of(self, present: str) -> dict[str, Any]:
        return {"severity": present}

    def consequences(self) -> Sequence[str]:
        now = (f"It is {self.present()} now.",) if self.is_stale else ()
        return (*now, "Clocks that run are set to the new severity's times, counted from the opening.")

    def carry_out(self, *, severity: str, reason: str, seen: str) -> Incident:
        return handling.change_severity(
            self.subject.pk, severity=severity, reason=reason, actor=self.actor, seen=[seen]
        )


class OwnerForm(SeenForm):
    owner = forms.ModelChoiceField(
        queryset=User.objects.none(),
        required=False,
        empty_label="Nobody",
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = incident_mails.handlers().order_by("email")  # type: ignore[attr-defined]


class SetOwner(IncidentForm, SeenView):
    title = submit = "Set owner"
    form_class = OwnerForm
    done = "Its owner is set."
    fields_of: ClassVar[dict[str, str]] = {"owner_refused": "owner"}

    def present(self) -> int | None:
        return incidents.found(self.subject.pk).owner_id

    def history(self) -> QuerySet[AuditEvent]:
        """Who takes a step with an incident of nobody's becomes its owner too."""
        verbs = [f"incident.{verb}" for verb in ("owner", *handling.TRANSITIONS)]
        return AuditEvent.objects.filter(
            verb__in=verbs, after__incident=self.subject.pk, after__has_key="owner"
        )

    def initial_of(self, present: int | None) -> dict[str, Any]:
        return {"owner": present}

    def consequences(self) -> Sequence[str]:
        owner = incidents.found(self.subject.pk).owner
        return (f"Its owner is {owner or 'nobody'} now.",) if self.is_stale else ()

    def carry_out(self, *, owner: User | None, seen: str) -> Incident:
        return handling.set_owner(self.subject.pk, owner=owner, actor=self.actor, seen=[seen])


class Step(IncidentForm):
    form_class = OptionalNoteForm
    submit = "Done"
    done = "The step is done."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        step = self.subject.steps.filter(number=self.kwargs["step"]).first()
        if step is None:
            raise Http404
        return super().get_context_data(title=f"Step {step.number} is done", **kwargs)

    def carry_out(self, *, note: str) -> Incident:
        return handling.do_step(self.subject.pk, step=self.kwargs["step"], note=note, actor=self.actor)


class ActionForm(forms.Form):
    organizations = OrganizationsField(
        required=False, help_text="Ids, separated by spaces; the incident's own ones if left empty."
    )


class Run(IncidentForm):
    """An action of the incident, or of one of its steps (`?step=`), which it marks as done."""

    form_class = ActionForm
    fields_of: ClassVar[dict[str, str]] = {
        "organizations_required": "organizations",
        "too_many_organizations": "organizations",
        "not_found": "organizations",
    }

    @property
    def action(self) -> actions.Action:
        try:
            return actions.ACTIONS[self.kwargs["action"]]
        except KeyError:
            raise Http404 from None

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        if not self.action.of_organizations:
            del form.fields["organizations"]
        return form

    def get_initial(self) -> dict[str, Any]:
        return {"organizations": " ".join(self.subject.organizations)}

    def consequences(self) -> Sequence[str]:
        return (self.action.told, "What comes of it is a line of the timeline.")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        action = self.action
        return super().get_context_data(
            title=action.title, submit_text=action.title, danger=action.is_danger, **kwargs
        )

    def carry_out(self, *, organizations: Sequence[str] = ()) -> dict[str, str]:
        step = self.request.GET.get("step", "")
        return actions.run(
            self.subject.pk,
            action=self.kwargs["action"],
            organizations=organizations,
            step=int(step) if step.isdecimal() else None,
            actor=self.actor,
        )

    def finish(self, result: Any) -> HttpResponse:
        return self.leave(self.back(), "; ".join(f"{subject}: {told}" for subject, told in result.items()))


BY_NAME: dict[str, type[VerbView]] = {
    "acknowledge": Acknowledge,
    "contain": Contain,
    "resolve": Resolve,
    "review": Review,
    "note": Note,
    "severity": ChangeSeverity,
    "owner": SetOwner,
}
BY_PART: dict[str, type[VerbView]] = {"step/<int:step>": Step, "run/<slug:action>": Run}

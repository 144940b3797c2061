"""The lifecycle's buttons and forms: one row for each verb of `tenants.lifecycle.TRANSITIONS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from pulse.actors import Actor
from pulse.admin import actors, moments
from pulse.admin.forms import OptionalReasonForm, ReasonForm, text_input
from pulse.admin.pages import VerbView
from pulse.models import AuditEvent
from pulse.problems import Problem
from tenants import errors, lifecycle
from tenants.models import Organization, Status


class TypedIdForm(ReasonForm):
    """Asks for the organization's id, letter by letter, because its data will be lost."""

    typed_id = forms.CharField(widget=text_input(autocomplete="off"), required=False)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization_id = organization.id
        self.fields["typed_id"].label = f"Type {organization.id} to confirm"

    def clean_typed_id(self) -> str:
        if self.cleaned_data["typed_id"] != self.organization_id:
            raise forms.ValidationError(f"This is not the organization's id, {self.organization_id}.")
        return self.organization_id


class SoftDeleteForm(TypedIdForm):
    field_order = ("reason", "retention_days", "typed_id")
    retention_days = forms.IntegerField(
        min_value=1,
        max_value=lifecycle.LONGEST_RETENTION_DAYS,
        initial=lifecycle.DEFAULT_RETENTION_DAYS,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Whole days until it is purged, 1 to 3650.",
    )


@dataclass(frozen=True, slots=True)
class LifecycleForm:
    """How a verb is offered, what its form asks and tells, and what is said once it is done."""

    title: str
    icon: str
    variant: ActionVariant
    verb: Callable[..., Organization]
    form: type[forms.Form]
    consequences: Callable[[Organization], Sequence[str]]
    done: str


def _people(organization: Organization) -> str:
    members = organization.memberships.count()
    tokens = organization.tokens.filter(revoked_at=None).count()
    return f"{members} member{'' if members == 1 else 's'} and {tokens} API token{'' if tokens == 1 else 's'}"


def _mail(organization: Organization) -> str:
    owners = organization.memberships.filter(is_owner=True, user__is_active=True)
    addresses = ", ".join(owners.values_list("user__email", flat=True))
    if not settings.PULSE_NOTIFY_OWNERS or not addresses:
        return "Nobody is told by e-mail."
    return f"Told by e-mail: {addresses}."


def _suspend(organization: Organization) -> Sequence[str]:
    return (
        f"{_people(organization)} are refused from their next request on.",
        "All data stays as it is; unsuspending lets them in again.",
        _mail(organization),
    )


def _unsuspend(organization: Organization) -> Sequence[str]:
    return (f"{_people(organization)} are let in again from their next request on.", _mail(organization))


def _soft_delete(organization: Organization) -> Sequence[str]:
    purge = timezone.now() + timedelta(days=lifecycle.DEFAULT_RETENTION_DAYS)
    return (
        f"{_people(organization)} are refused from their next request on.",
        format_html(
            "After the retention the reaper erases all data for good: with {} days, from {} on.",
            lifecycle.DEFAULT_RETENTION_DAYS,
            moments.long(purge),
        ),
        "Until then it can be restored, whole.",
        _mail(organization),
    )


def _restore(organization: Organization) -> Sequence[str]:
    before = organization.status_before_deletion
    people = f"{_people(organization)} are let in again from their next request on."
    return (
        f"It is {before} again, as before, and is not purged.",
        people if before == Status.ACTIVE else "Its people stay refused, because it was suspended before.",
        _mail(organization),
    )


def _purge(organization: Organization) -> Sequence[str]:
    return (
        f"{_people(organization)}, its roles, files and settings are erased at once.",
        "Nothing can bring them back.",
        "A tombstone without personal data keeps the id taken; the audit log stays.",
    )


FORMS = {
    "suspend": LifecycleForm(
        "Suspend", "pause_circle", ActionVariant.WARNING, lifecycle.suspend, ReasonForm, _suspend,
        "{} is suspended.",
    ),
    "unsuspend": LifecycleForm(
        "Unsuspend", "play_circle", ActionVariant.SUCCESS, lifecycle.unsuspend, OptionalReasonForm,
        _unsuspend, "{} is active again.",
    ),
    "restore": LifecycleForm(
        "Restore", "restore_from_trash", ActionVariant.SUCCESS, lifecycle.restore, OptionalReasonForm,
        _restore, "{} is restored.",
    ),
    "soft_delete": LifecycleForm(
        "Soft-delete", "delete", ActionVariant.DANGER, lifecycle.soft_delete, SoftDeleteForm, _soft_delete,
        "{} is pending deletion.",
    ),
    "purge": LifecycleForm(
        "Purge", "delete_forever", ActionVariant.DANGER, lifecycle.purge, TypedIdForm, _purge,
        "{} is purged.",
    ),
}  # fmt: skip


# Who and why of the state that an organization is in.
STATE_VERBS = ["organization.provision", *(f"organization.{verb}" for verb in lifecycle.TRANSITIONS)]
# What each verb is undone by.
UNDO = {"suspend": "unsuspend", "unsuspend": "suspend", "soft_delete": "restore"}


def offered(organization: Organization, *, actor: Actor) -> list[str]:
    """The verbs that the table allows as things stand and whose permission the actor holds."""
    return [
        verb
        for verb in FORMS
        if not refusal(verb, organization) and actor.may(lifecycle.TRANSITIONS[verb].permission)
    ]


def refusal(verb: str, organization: Organization) -> str:
    """Why the verb would be refused as things stand; empty where the table allows it."""
    transition = lifecycle.TRANSITIONS[verb]
    if organization.status == Status.PURGED:
        return "The organization is purged."
    if organization.is_default and transition.spares_default:
        return errors.DefaultOrganizationImmutable.detail
    if organization.status not in transition.sources:
        return transition.refusals[organization.status].detail
    if verb == "purge" and (organization.purge_after is None or organization.purge_after > timezone.now()):
        return errors.RetentionNotOver.detail
    return ""


class LifecycleView(VerbView):
    """One verb of the lifecycle, for one organization."""

    verb = "suspend"
    fields_of = VerbView.fields_of | {"invalid_retention_days": "retention_days"}

    @property
    def offer(self) -> LifecycleForm:
        return FORMS[self.verb]

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        self.permission = lifecycle.TRANSITIONS[self.verb].permission
        return super().dispatch(*args, **kwargs)

    def get_form_class(self) -> type[forms.Form]:
        return self.offer.form

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        if issubclass(self.offer.form, TypedIdForm):
            kwargs["organization"] = self.subject
        return kwargs

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        heading = f"{self.offer.title} {self.subject.display_name or self.subject.id}"
        danger = self.offer.variant == ActionVariant.DANGER
        return super().get_context_data(title=heading, submit_text=self.offer.title, danger=danger, **kwargs)

    def consequences(self) -> Sequence[str]:
        return self.offer.consequences(self.subject)

    def refusal(self) -> str:
        return refusal(self.verb, self.subject)

    def carry_out(self, *, typed_id: str = "", **wanted: Any) -> Organization:
        return self.offer.verb(self.subject.id, actor=self.actor, **wanted)

    def finish(self, result: Organization) -> HttpResponse:
        return self.leave(self.back(), self.offer.done.format(result.id), undo=self._way_back(result))

    def _way_back(self, result: Organization) -> tuple[str, str] | None:
        verb = UNDO.get(self.verb, "")
        if verb not in offered(result, actor=self.actor):
            return None
        return f"Undo: {FORMS[verb].title.lower()}", self.model_admin.path_of(verb, result.pk)

    def blame(self, form: forms.Form, problem: Problem) -> None:
        """Where another operator came first, it says who, when and why."""
        super().blame(form, problem)
        if problem.status == HTTPStatus.CONFLICT and (first := last_change(self.subject.pk)):
            form.add_error(None, first)


def last_change(organization_id: str) -> str:
    """Who brought the organization into the state that it is in, when and why."""
    event = AuditEvent.objects.filter(organization=organization_id, verb__in=STATE_VERBS).first()
    if event is None:
        return ""
    (named,) = actors.name_actors([event])
    why = f": {event.reason}" if event.reason else ""
    return f"{event.verb} by {named.actor_name}, {moments.distance(event.at)}{why}"  # type: ignore[attr-defined]

"""The fields that operators' forms share."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from pulse.actors import Actor
from pulse.audit import LONGEST_REASON
from pulse.models import AuditEvent

# Of an operator's last events, the reasons of which are offered, and how many of them.
LOOKED_THROUGH = 50
OFFERED = 5


class ReasonField(forms.CharField):
    """Why; one paragraph. A line break counts as a space, because a verb takes no control characters."""

    def __init__(self, *, required: bool = True, help_text: str) -> None:
        super().__init__(
            label="Reason",
            required=required,
            help_text=help_text,
            max_length=LONGEST_REASON,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        )

    def clean(self, value: Any) -> Any:
        return " ".join(super().clean(value).split())


def recent_reasons(actor: Actor) -> list[str]:
    """What the actor has given as reasons lately, the newest first: among their last events, by an index."""
    latest = AuditEvent.objects.filter(actor=actor.name).values_list("reason", flat=True)[:LOOKED_THROUGH]
    return list(dict.fromkeys(filter(None, latest)))[:OFFERED]


class ReasonForm(forms.Form):
    reason = ReasonField(help_text="Kept in the audit log. At most 500 characters.")


class OptionalReasonForm(forms.Form):
    reason = ReasonField(required=False, help_text="Optional; kept in the audit log. At most 500 characters.")


class InstantField(forms.DateTimeField):
    """A date and a time in UTC, by the browser's own picker."""

    widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})

    def prepare_value(self, value: Any) -> Any:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value


class ConfirmForm(forms.Form):
    """Asks nothing but whether."""


def text_input(**attrs: Any) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs=attrs)

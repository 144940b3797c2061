"""What a role is typed into: its own fields, and a row for each permission."""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from pulse.admin.forms import text_input
from pulse.admin.seen import SeenForm
from pulse.problems import Problem
from rbac import drafts
from rbac.drafts import Draft, Grant
from rbac.models import Effect, Role

MORE_ROWS = 5
PREFIX = "permissions"
PLACE = re.compile(r"permissions\[(?P<row>\d+)\]\.(?P<field>\w+)")
NOT_AN_OBJECT = 'Write an object, such as {"region": "eu"}.'


class ConditionsField(forms.CharField):
    """A JSON object of request attributes and the values that they must have; empty for none."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value)
        try:
            conditions = json.loads(text or "{}", parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON. {NOT_AN_OBJECT}") from error
        if not isinstance(conditions, dict):
            raise forms.ValidationError(NOT_AN_OBJECT)
        return conditions


def _refuse(constant: str) -> None:
    """NaN and the infinities, which Python reads and JSON has not."""
    raise ValueError(constant)


class PermissionForm(forms.Form):
    # What identifies something is taken as it is, as through the API.
    action = forms.CharField(strip=False, widget=text_input(placeholder="read"))
    resource = forms.CharField(strip=False, widget=text_input(placeholder="vms:*"))
    effect = forms.ChoiceField(choices=Effect.choices, initial=Effect.ALLOW, widget=UnfoldAdminSelectWidget)
    conditions = ConditionsField(required=False)


class PermissionRows(forms.BaseFormSet[PermissionForm]):
    """Rows left empty count for nothing, and so do those marked for deletion."""

    deletion_widget = UnfoldBooleanWidget

    @property
    def kept(self) -> list[PermissionForm]:
        return [form for form in self.forms if form.has_changed() and not form.cleaned_data.get("DELETE")]

    def grants(self) -> list[Grant]:
        fields = tuple(PermissionForm.base_fields)
        return [Grant(**{name: form.cleaned_data[name] for name in fields}) for form in self.kept]


Rows = forms.formset_factory(
    PermissionForm,
    formset=PermissionRows,
    extra=MORE_ROWS,
    can_delete=True,
    # One more than may be, so that the verb's refusal says how many that are.
    max_num=drafts.MOST_PERMISSIONS + 1,
)


def rows(data: QueryDict | None = None, *, initial: Any = None) -> PermissionRows:
    return cast(PermissionRows, Rows(data, initial=initial, prefix=PREFIX))


class RoleForm(SeenForm):
    """`initial` may have the permissions, as rows. Its `permissions` are a formset in the template."""

    name = forms.CharField(max_length=drafts.LONGEST_NAME, widget=text_input())
    description = forms.CharField(
        required=False,
        max_length=drafts.LONGEST_DESCRIPTION,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    parent = forms.ChoiceField(
        label="Inherits from",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="It has all that the other role has.",
    )
    priority = forms.IntegerField(
        initial=0,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="The order in lists; it decides nothing.",
    )

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.permissions = rows(data, initial=self.initial.get(PREFIX))
        parents = Role.objects.order_by("id").values_list("id", "name")
        choices = [("", "nothing"), *((one, f"{name} ({one})") for one, name in parents)]
        self.fields["parent"].choices = choices  # type: ignore[attr-defined]

    def clean_parent(self) -> str | None:
        return self.cleaned_data["parent"] or None

    def clean_priority(self) -> int:
        return self.cleaned_data["priority"] or 0

    def clean(self) -> dict[str, Any]:
        if self.permissions.is_valid():
            grants = self.permissions.grants()
            return self.cleaned_data | {PREFIX: grants}
        raise forms.ValidationError("Something in the permissions cannot be read: it is said there.")

    def draft(self) -> Draft:
        parts = ("name", "description", "parent", "priority", PREFIX)
        return Draft(**{name: self.cleaned_data[name] for name in parts})

    def blame(self, problem: Problem) -> bool:
        """Put each of the problem's errors where it belongs; whether it has any."""
        for place, said in (problem.errors or {}).items():
            self._add(place, said)
        return bool(problem.errors)

    def _add(self, place: str, said: Sequence[str]) -> None:
        if match := PLACE.match(place):
            row = self.permissions.kept[int(match["row"])]
            row.add_error(match["field"], list(said))
            self.add_error(None, "Something in the permissions is refused: it is said there.")
        else:
            self.add_error(place if place in self.fields else None, list(said))


class NewRoleForm(RoleForm):
    id = forms.CharField(
        max_length=64,
        widget=text_input(autocomplete="off", autofocus=""),
        help_text="1 to 64 of a-z, 0-9, _ and -. It never changes.",
    )
    field_order = ("id",)


def as_rows(permissions: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Permissions of a role's document as the rows' initial values."""
    return [one | {"conditions": _as_text(one["conditions"])} for one in permissions]


def _as_text(conditions: dict[str, Any]) -> str:
    return json.dumps(conditions, ensure_ascii=False) if conditions else ""


def as_typed(sent: QueryDict, form: type[RoleForm]) -> dict[str, Any]:
    """What was typed so far, as a form's initial values, with the rows that are not empty."""
    typed = rows(sent)
    typed.full_clean()  # Which rows are kept is known only then.
    kept = [{name: row[name].value() for name in PermissionForm.base_fields} for row in typed.kept]
    return {name: sent.get(name, "") for name in form.base_fields} | {PREFIX: kept}

"""Fields for what can be had: a plan, and each capability, limit and meter of the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from billing import catalogue, plans
from billing.entitlements import Entitlements
from billing.models import PlanVersion, State
from billing.overrides import Wanted
from pulse.admin.forms import InstantField, ReasonField, text_input
from pulse.admin.seen import SeenForm

AS_BELOW, GIVE, TAKE = "", "give", "take"


class StateField(forms.ChoiceField):
    widget = UnfoldAdminSelectWidget

    def __init__(self, *, unchanged: str = "", **kwargs: Any) -> None:
        empty = [("", unchanged)] if unchanged else []
        super().__init__(choices=[*empty, *State.choices], required=not unchanged, **kwargs)


class PlanField(forms.ChoiceField):
    """A version of a plan, such as `team v2`; the choices are read when the form is made."""

    widget = UnfoldAdminSelectWidget

    def __init__(self, *, unchanged: str = "", **kwargs: Any) -> None:
        super().__init__(choices=lambda: _versions(unchanged), required=not unchanged, **kwargs)


def _versions(unchanged: str) -> list[tuple[str, str]]:
    found = PlanVersion.objects.select_related("plan").order_by("plan_id", "-number")
    offered = [(str(version), f"{version.plan.name}, version {version.number}") for version in found]
    return [("", unchanged), *offered] if unchanged else offered


def limit_field() -> forms.IntegerField:
    return forms.IntegerField(
        required=False, min_value=0, max_value=plans.MOST, widget=UnfoldAdminIntegerFieldWidget()
    )


class OverrideForm(SeenForm):
    """What is left alone stays as the layers below say."""

    state = StateField(unchanged="as below")
    plan = PlanField(unchanged="as below")
    trial_ends_at = InstantField(label="Trial ends (UTC)", required=False)
    valid_until = InstantField(
        label="Until (UTC)", required=False, help_text="Empty: until somebody revokes it."
    )
    reason = ReasonField(help_text="Kept with the override, and in the audit log. At most 500 characters.")

    def __init__(self, *args: Any, effective: Entitlements, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["reason"].widget.attrs["autofocus"]  # It is below others.
        self._tell_now("state", effective.state)
        self._tell_now("plan", effective.plan_version)
        for name, title in {**catalogue.CAPABILITIES, **catalogue.METERS}.items():
            has = name in effective.capabilities | effective.meters
            self.fields[f"part_{name}"] = _part_field(title, has)
        for name, title in catalogue.LIMITS.items():
            self.fields[f"limit_{name}"] = limit_field()
            self.fields[f"limit_{name}"].label = title
            self._tell_now(f"limit_{name}", effective.limits.get(name, "no limit"))

    def _tell_now(self, name: str, value: Any) -> None:
        self.fields[name].help_text = f"Now {value}."

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields of the catalogue, under their titles."""
        return [
            ("Capabilities", [self[f"part_{name}"] for name in catalogue.CAPABILITIES]),
            ("Meters", [self[f"part_{name}"] for name in catalogue.METERS]),
            ("Limits", [self[f"limit_{name}"] for name in catalogue.LIMITS]),
        ]

    @property
    def main(self) -> list[forms.BoundField]:
        return [self[name] for name in self.base_fields if name != "reason"]

    def wanted(self) -> Wanted:
        typed = self.cleaned_data
        return Wanted(
            state=typed["state"],
            plan=typed["plan"],
            trial_ends_at=typed["trial_ends_at"],
            valid_until=typed["valid_until"],
            capabilities_added=self._chosen(catalogue.CAPABILITIES, GIVE),
            capabilities_removed=self._chosen(catalogue.CAPABILITIES, TAKE),
            meters_added=self._chosen(catalogue.METERS, GIVE),
            meters_removed=self._chosen(catalogue.METERS, TAKE),
            limits=limits_of(typed),
        )

    def _chosen(self, names: Mapping[str, str], choice: str) -> Sequence[str]:
        return [name for name in names if self.cleaned_data[f"part_{name}"] == choice]


def limits_of(typed: Mapping[str, Any]) -> dict[str, int]:
    """The limits that have a value, by their names."""
    found = {name: typed[f"limit_{name}"] for name in catalogue.LIMITS}
    return {name: value for name, value in found.items() if value is not None}


def _part_field(title: str, has: bool) -> forms.ChoiceField:
    now = "has it" if has else "has it not"
    choices = [(AS_BELOW, f"as below ({now})"), (GIVE, "give"), (TAKE, "take away")]
    return forms.ChoiceField(label=title, required=False, choices=choices, widget=UnfoldAdminSelectWidget)


class PlanForm(SeenForm):
    """What a plan's next version holds."""

    capabilities = forms.MultipleChoiceField(
        required=False,
        choices=list(catalogue.CAPABILITIES.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    meters = forms.MultipleChoiceField(
        required=False,
        choices=list(catalogue.METERS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    price_ids = forms.CharField(
        label="Stripe's prices",
        required=False,
        max_length=2000,
        widget=text_input(),
        help_text="The ids of the prices that stand for it, with spaces between them.",
    )
    reason = ReasonField(help_text="Kept in the audit log. At most 500 characters.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["reason"].widget.attrs["autofocus"]  # It is the last of many.
        for name, title in catalogue.LIMITS.items():
            self.fields[f"limit_{name}"] = limit_field()
            self.fields[f"limit_{name}"].label = title
            self.fields[f"limit_{name}"].help_text = "Empty: the plan says nothing of it."
        self.order_fields([*self.first, "capabilities", *self._limits(), "meters", "price_ids", "reason"])

    @property
    def first(self) -> Sequence[str]:
        """The fields that come before what a plan holds."""
        return ()

    def _limits(self) -> list[str]:
        return [f"limit_{name}" for name in catalogue.LIMITS]

    def holds(self) -> dict[str, Any]:
        """What `plans.publish` takes."""
        typed = self.cleaned_data
        return {
            "capabilities": typed["capabilities"],
            "limits": limits_of(typed),
            "meters": typed["meters"],
            "price_ids": typed["price_ids"].split(),
            "reason": typed["reason"],
        }


class NewPlanForm(PlanForm):
    id = forms.CharField(
        max_length=32,
        widget=text_input(autofocus="", autocomplete="off"),
        help_text="1 to 32 of a-z, 0-9, _ and -. It never changes.",
    )
    name = forms.CharField(max_length=100, widget=text_input())

    @property
    def first(self) -> Sequence[str]:
        return ("id", "name")

"""What billing offers for a selection of organizations."""

from django.utils import timezone

from billing.admin.forms import AT_ONCE, LAYERED, MovePlanForm, UntilForm
from billing.errors import InvalidPeriod
from tenants.admin.bulk import Offer, offer


class ExtendTrialsForm(UntilForm):
    def clean_until(self) -> object:
        if self.cleaned_data["until"] <= timezone.now():
            self.add_error("until", InvalidPeriod.detail)
        return self.cleaned_data["until"]


offer(
    "extend_trial",
    Offer("Extend the trial of", ("Each is in trial until then.", AT_ONCE, LAYERED), form=ExtendTrialsForm),
)
offer(
    "move_plan",
    Offer("Move the plan of", ("Each has what the plan holds.", AT_ONCE, LAYERED), form=MovePlanForm),
)

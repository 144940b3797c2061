"""What the first page tells of billing: subscriptions by state, and what ends this week."""

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse

from billing.admin import counted
from billing.models import State, StripeEvent
from pulse.admin import home
from pulse.admin.home import Concern, Figure, Harm, Panel, Part

Status = StripeEvent.Status

# An event that is of nobody may well be of another product's customer, and then is left alone.
STUCK = {
    Status.PARKED: (Harm.MONEY, "of Stripe's could not be applied", "See why"),
    Status.UNKNOWN_CUSTOMER: (Harm.CHORE, "of unknown customers came from Stripe", "See whose"),
}


def part(request: HttpRequest) -> Part:
    if not request.user.has_perm("billing.view_subscription"):
        return Part()
    path = reverse("admin:billing_subscription_changelist")
    states = [
        Figure(str(State(state).label), count, f"{path}?state={state}") for state, count in counted.by_state()
    ]
    panels = (
        Panel("Subscriptions", "card_membership", tuple(states)),
        Panel("Ending this week", "event", _endings(path)),
    )
    return Part(panels, tuple(_concerns()))


def _endings(path: str) -> tuple[Figure, ...]:
    return (
        Figure("Trials", counted.trials_ending().count(), f"{path}?ending=trials"),
        Figure("Overrides", counted.with_overrides_ending().count(), f"{path}?ending=overrides"),
    )


def _concerns() -> Iterator[Concern]:
    events = reverse("admin:billing_stripeevent_changelist")
    for status, (harm, what, action) in STUCK.items():
        stuck = home.bounded_count(StripeEvent.objects.filter(status=status))
        if stuck:
            text = f"{home.in_words(stuck, 'event', 'events')} {what}"
            yield Concern(harm, text, f"{events}?status__exact={status}", action)


home.sources.append(part)

"""What the first page tells of billing: subscriptions by state, and what ends this week."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from billing.models import Override, State, StripeEvent, Subscription
from pulse.admin import home
from pulse.admin.home import Concern, Figure, Harm, Panel, Part

SOON = timedelta(days=7)
STUCK = (StripeEvent.Status.PARKED, StripeEvent.Status.UNKNOWN_CUSTOMER)


class EndingFilter(DropdownFilter):
    """Subscriptions of which something ends within a week."""

    title = "ending this week"
    parameter_name = "ending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("trials", "Their trial"), ("overrides", "An override")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> QuerySet[Subscription]:
        match self.value():
            case "trials":
                return queryset.filter(pk__in=trials_ending().values("pk"))
            case "overrides":
                return queryset.filter(organization__in=overrides_ending().values("organization"))
        return queryset


def part(request: HttpRequest) -> Part:
    if not request.user.has_perm("billing.view_subscription"):
        return Part()
    path = reverse("admin:billing_subscription_changelist")
    states = [
        Figure(str(State(state).label), count, f"{path}?state__exact={state}") for state, count in by_state()
    ]
    panels = (
        Panel("Subscriptions", "card_membership", tuple(states)),
        Panel("Ending this week", "event", _endings(path)),
    )
    return Part(panels, _concerns())


def by_state() -> list[tuple[str, int]]:
    """As the subscriptions say, all of an index; a trial that is over counts as expired."""
    grouped = Subscription.objects.order_by().values_list("state").annotate(Count("pk"))
    counted = dict(grouped)
    over = Subscription.objects.filter(state=State.TRIAL, trial_ends_at__lte=timezone.now()).count()
    counted[State.TRIAL] = counted.get(State.TRIAL, 0) - over
    counted[State.EXPIRED] = counted.get(State.EXPIRED, 0) + over
    return [(state.value, counted.get(state, 0)) for state in State]


def _endings(path: str) -> tuple[Figure, ...]:
    return (
        Figure("Trials", trials_ending().count(), f"{path}?ending=trials"),
        Figure("Overrides", overrides_ending().count(), f"{path}?ending=overrides"),
    )


def trials_ending() -> QuerySet[Subscription]:
    now = timezone.now()
    return Subscription.objects.filter(state=State.TRIAL, trial_ends_at__range=(now, now + SOON))


def overrides_ending() -> QuerySet[Override]:
    now = timezone.now()
    return Override.objects.standing().filter(valid_until__range=(now, now + SOON))


def _concerns() -> tuple[Concern, ...]:
    stuck = home.bounded_count(StripeEvent.objects.filter(status__in=STUCK))
    if not stuck:
        return ()
    events = reverse("admin:billing_stripeevent_changelist")
    text = f"{home.in_words(stuck, 'event', 'events')} of Stripe's could not be applied"
    return (Concern(Harm.MONEY, text, f"{events}?status__exact={StripeEvent.Status.PARKED}", "See why"),)


home.sources.append(part)

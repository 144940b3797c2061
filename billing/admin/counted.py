"""The subscriptions that the first page counts, and the filters by which their list shows the same ones."""

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from billing.models import Override, State, Subscription
from tenants.models import Organization

SOON = timedelta(days=7)
DRILLS = Organization.objects.synthetic().values("pk")
# Without a join: that would look up an organization for each subscription that is counted.
CUSTOMERS = Subscription.objects.exclude(organization__in=DRILLS)


class StateFilter(DropdownFilter):
    """As the subscriptions say; a trial that is over counts as expired."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> QuerySet[Subscription]:
        match self.value():
            case None:
                return queryset
            case State.TRIAL:
                running = Q(trial_ends_at__gt=timezone.now()) | Q(trial_ends_at=None)
                return queryset.filter(running, state=State.TRIAL)
            case State.EXPIRED:
                return queryset.filter(Q(state=State.EXPIRED) | _trial_over())
            case state:
                return queryset.filter(state=state)


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
                return queryset.filter(pk__in=with_overrides_ending().values("pk"))
        return queryset


def by_state() -> list[tuple[str, int]]:
    """As many of each as the filter shows.

    All of an index, less drills' few: to leave each of those out would look up every subscription.
    """
    counted = _by_state(Subscription.objects.all())
    counted.subtract(_by_state(Subscription.objects.filter(organization__in=DRILLS)))
    return [(state.value, counted[state]) for state in State]


def _by_state(subscriptions: QuerySet[Subscription]) -> Counter[str]:
    counted = Counter(dict(subscriptions.order_by().values_list("state").annotate(Count("pk"))))
    over = subscriptions.filter(_trial_over()).count()
    counted[State.TRIAL] -= over
    counted[State.EXPIRED] += over
    return counted


def trials_ending() -> QuerySet[Subscription]:
    now = timezone.now()
    return CUSTOMERS.filter(state=State.TRIAL, trial_ends_at__range=(now, now + SOON))


def with_overrides_ending() -> QuerySet[Subscription]:
    now = timezone.now()
    ending = Override.objects.standing().filter(valid_until__range=(now, now + SOON))
    return CUSTOMERS.filter(pk__in=ending.values("organization"))


def _trial_over() -> Q:
    return Q(state=State.TRIAL, trial_ends_at__lte=timezone.now())

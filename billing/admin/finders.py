"""What the palette finds of billing: by Stripe's ids of a customer, a subscription or an event."""

from collections.abc import Iterator

from django.contrib.admin.utils import quote
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from billing.models import StripeEvent, Subscription
from pulse.admin.palette import Found, register

MOST = 8


def _subscriptions(request: HttpRequest, words: str) -> Iterator[Found]:
    named = Q(stripe_customer=words) | Q(stripe_subscription=words)
    for subscription in Subscription.objects.filter(named)[:MOST]:
        page = reverse("admin:tenants_organization_billing", args=(subscription.pk,))
        yield Found(subscription.pk, f"Billing of {words}, {subscription.state}", page, "card_membership")


def _stripe_events(request: HttpRequest, words: str) -> Iterator[Found]:
    for event in StripeEvent.objects.filter(id=words).defer("payload"):
        page = reverse("admin:billing_stripeevent_change", args=(quote(event.pk),))
        yield Found(event.id, f"Stripe event {event.type}, {event.status}", page, "webhook")


register("billing.view_subscription", _subscriptions)
register("billing.view_stripeevent", _stripe_events)

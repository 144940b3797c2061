"""Links for an owner: Stripe's Checkout to subscribe, and its customer portal to change or cancel."""

from django.conf import settings

from billing import errors, plans, stripe_client
from billing.models import Subscription
from pulse import audit
from pulse.actors import Actor
from tenants import organizations


def start(organization_id: str, *, plan: str, actor: Actor) -> str:
    """The address of a Checkout page for the plan's first price.

    Raises `UnknownPlan` (also for a plan without a price), `StripeNotConfigured`, `StripeUnavailable`.
    """
    organization = organizations.living(organization_id)
    version = plans.find(plan)
    if not version.price_ids:
        raise errors.UnknownPlan("This plan is not sold through Stripe.")
    customer = _customer_of(organization.id)
    client = stripe_client.client()
    with stripe_client.answering():
        session = client.v1.checkout.sessions.create(
            params={
                "mode": "subscription",
                "line_items": [{"price": version.price_ids[0], "quantity": 1}],
                "client_reference_id": organization.id,
                "metadata": {"organization": organization.id},
                "subscription_data": {"metadata": {"organization": organization.id}},
                "success_url": settings.PULSE_PRODUCT_URL,
                "cancel_url": settings.PULSE_PRODUCT_URL,
                **({"customer": customer} if customer else {}),
            }
        )
    audit.record("billing.checkout", actor=actor, organization=organization.id, after={"plan": str(version)})
    return str(session.url or "")


def portal(organization_id: str, *, actor: Actor) -> str:
    """The address of Stripe's customer portal. Raises `NoStripeCustomer` and as `start` does."""
    organization = organizations.living(organization_id)
    client = stripe_client.client()
    customer = _customer_of(organization.id)
    if not customer:
        raise errors.NoStripeCustomer
    with stripe_client.answering():
        session = client.v1.billing_portal.sessions.create(
            params={"customer": customer, "return_url": settings.PULSE_PRODUCT_URL}
        )
    audit.record("billing.portal", actor=actor, organization=organization.id)
    return str(session.url)


def _customer_of(organization_id: str) -> str:
    found = Subscription.objects.filter(organization=organization_id).values_list(
        "stripe_customer", flat=True
    )
    return found.first() or ""

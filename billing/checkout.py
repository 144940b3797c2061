"""Links for an owner: Stripe's Checkout to subscribe, and its customer portal to change or cancel."""

from django.conf import settings

from billing import errors, plans, stripe_client, stripe_subscriptions
from billing.models import Source, State, Subscription
from pulse import audit
from pulse.actors import Actor
from tenants import organizations


def start(organization_id: str, *, plan: str, actor: Actor) -> str:
    """The address of a Checkout page for the first price of a plan's newest version.

    Raises `NothingToPay` for a drill's organization, `UnknownPlan` (also for a plan that is not offered, or
    has no price), `AlreadySubscribed`, `StripeNotConfigured`, `StripeUnavailable`, `StripeRefused`.
    """
    organization = organizations.living(organization_id)
    if organization.is_synthetic:
        raise errors.NothingToPay
    version = plans.offered(plan)
    if not version.price_ids:
        raise errors.UnknownPlan("This plan is not sold through Stripe.")
    subscription = Subscription.objects.filter(organization=organization.id).first()
    if subscription is not None and _is_paid_for(subscription):
        raise errors.AlreadySubscribed
    customer = subscription.stripe_customer if subscription else ""
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
    subscription = Subscription.objects.filter(organization=organization.id).first()
    if subscription is None or not subscription.stripe_customer:
        raise errors.NoStripeCustomer
    with stripe_client.answering():
        session = client.v1.billing_portal.sessions.create(
            params={"customer": subscription.stripe_customer, "return_url": settings.PULSE_PRODUCT_URL}
        )
    audit.record("billing.portal", actor=actor, organization=organization.id)
    return str(session.url)


def _is_paid_for(subscription: Subscription) -> bool:
    """Whether Stripe takes, or still tries to take, payments: a second subscription would be paid as well."""
    if subscription.source != Source.STRIPE or subscription.state in (State.EXPIRED, State.CANCELED):
        return False
    return not stripe_subscriptions.none_has_begun(subscription.organization_id)

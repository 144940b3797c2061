"""The refusals of billing, each with its code and HTTP status."""

from pulse.problems import InvalidRequest, NotFound, Problem


class SubscriptionRequired(Problem):
    status = 402
    code = "subscription_required"
    detail = "This organization has no subscription in force. Its owner can renew it."


class InvalidSubscriptionState(InvalidRequest):
    code = "invalid_subscription_state"
    detail = "The states are trial, active, grace, expired, suspended and canceled."


class UnknownPlan(InvalidRequest):
    code = "unknown_plan"
    detail = "There is no such plan, or no such version of it."


class InvalidPlan(InvalidRequest):
    code = "invalid_plan"
    detail = "A plan's id has 1 to 32 of a-z, 0-9, _ and -."


class UnknownCapability(InvalidRequest):
    code = "unknown_capability"
    detail = "The catalogue has no such capability."


class UnknownMeter(InvalidRequest):
    code = "unknown_meter"
    detail = "The catalogue has no such meter."


class InvalidLimit(InvalidRequest):
    code = "invalid_limit"
    detail = "A limit is one of the catalogue's, and a whole number from 0."


class InvalidPeriod(InvalidRequest):
    code = "invalid_period"
    detail = "The end must be in the future, and after the beginning."


class EmptyOverride(InvalidRequest):
    code = "empty_override"
    detail = "An override changes at least one thing."


class OverrideNotFound(NotFound):
    detail = "There is no such override of this organization."


class AlreadyRevoked(Problem):
    status = 409
    code = "already_revoked"
    detail = "The override was revoked already."


class ManagedByStripe(Problem):
    status = 409
    code = "managed_by_stripe"
    detail = "Stripe manages this subscription: change it there, or lay an override over it."


class StripeNotConfigured(Problem):
    status = 409
    code = "stripe_not_configured"
    detail = "Payment is not set up: billing is manual. An operator sets STRIPE_SECRET_KEY."


class StripeUnavailable(Problem):
    status = 503
    code = "stripe_unavailable"
    detail = "Stripe does not answer at present. Try again in a moment."


class StripeRefused(Problem):
    status = 502
    code = "stripe_refused"
    detail = "Stripe refused. An operator finds in the log why."


class AlreadySubscribed(Problem):
    status = 409
    code = "already_subscribed"
    detail = "There is a subscription already: it is changed in the customer portal."


class NothingToPay(Problem):
    status = 409
    code = "nothing_to_pay"
    detail = "This organization was made by a drill: it pays for nothing."


class NoStripeCustomer(Problem):
    status = 409
    code = "no_stripe_customer"
    detail = "This organization has not paid through Stripe yet."


class StripeEventNotFound(NotFound):
    detail = "There is no such event of Stripe's."


class NothingToRetry(Problem):
    status = 409
    code = "nothing_to_retry"
    detail = "Only an event that was parked, or whose customer was not known, is processed anew."


class InvalidSignature(InvalidRequest):
    code = "invalid_signature"
    detail = "The Stripe-Signature does not match, or is too old."

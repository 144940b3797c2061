"""The refusals of billing, each with its code and HTTP status."""

from pulse.problems import InvalidRequest, Problem


class SubscriptionRequired(Problem):
    status = 402
    code = "subscription_required"
    detail = "This organization has no subscription in force. Its owner can renew it."


class InvalidSubscriptionState(InvalidRequest):
    code = "invalid_subscription_state"
    detail = "The states are trial, active, grace, expired, suspended and canceled."

"""The operators' pages of billing: an organization's layers, plans, subscriptions, and Stripe's events."""

from billing.admin import forms, pages, plans, stripe_events, subscriptions
from tenants.admin.organization_pages import Page, register

__all__ = ("plans", "stripe_events", "subscriptions")

register(
    Page("billing", "billing/", pages.Billing, tab="Billing"),
    Page("override", "billing/override/", forms.LayOverride),
    Page("extend_trial", "billing/extend_trial/", forms.ExtendTrial),
    Page("move_plan", "billing/move_plan/", forms.MovePlan),
    Page("grant_grace", "billing/grant_grace/", forms.GrantGrace),
    Page("set_subscription", "billing/set_subscription/", forms.SetSubscription),
    Page("revoke_override", "billing/override/<int:number>/revoke/", forms.Revoke),
)

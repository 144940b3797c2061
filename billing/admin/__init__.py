"""The operators' pages of billing: an organization's layers, plans, subscriptions, and Stripe's events."""

from billing.admin import bulk, finders, forms, home, pages, plans, stripe_events, subscriptions, usage
from tenants.admin.organization_pages import Page, register

__all__ = ("bulk", "finders", "home", "plans", "stripe_events", "subscriptions", "usage")

register(
    Page("billing", "billing/", pages.Billing, tab="Billing"),
    Page("override", "billing/override/", forms.LayOverride, action="Override"),
    Page("extend_trial", "billing/extend_trial/", forms.ExtendTrial, action="Extend trial"),
    Page("move_plan", "billing/move_plan/", forms.MovePlan, action="Move plan"),
    Page("grant_grace", "billing/grant_grace/", forms.GrantGrace, action="Grant grace"),
    Page("set_subscription", "billing/set_subscription/", forms.SetSubscription, action="Set subscription"),
    Page("revoke_override", "billing/override/<int:number>/revoke/", forms.Revoke),
)

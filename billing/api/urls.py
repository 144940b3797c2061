"""The routes of billing, by who calls them."""

from django.urls import path

from billing.api import views

operator = [path("billing-state", views.BillingState.as_view(), name="billing-state")]

tenant = [path("entitlements", views.Entitlements.as_view(), name="entitlements")]

renewal = [
    path("checkout", views.Checkout.as_view(), name="checkout"),
    path("portal", views.Portal.as_view(), name="portal"),
]

webhooks = [path("stripe", views.StripeWebhook.as_view(), name="stripe")]

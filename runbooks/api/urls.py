"""The routes of runbooks, by who calls them."""

from django.urls import path

from runbooks.api import webhook_views

webhooks = [path("alertmanager", webhook_views.Alertmanager.as_view(), name="alertmanager")]

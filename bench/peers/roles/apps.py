"""The label is Pulse's, whose first migration this app runs."""

from django.apps import AppConfig


class Roles(AppConfig):
    name = "bench.peers.roles"
    label = "rbac"

"""An organization as django-guardian guards one: each action on each resource is a permission of its own."""

from django.db import models

RESOURCES = ("nodes", "vms", "containers", "alerts", "audit_logs", "compliance")
ACTIONS = ("read", "write", "admin")


class Organization(models.Model):
    class Meta:
        permissions = [(f"{action}_{name}", f"{action} {name}") for action in ACTIONS for name in RESOURCES]

    def __str__(self) -> str:
        return str(self.pk)

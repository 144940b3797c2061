"""The tables of a tenant's RBAC database. They are in tenants' files alone, not in the control database."""

from django.db import models


class Effect(models.TextChoices):
    ALLOW = "allow"
    DENY = "deny"


class Role(models.Model):
    id = models.SlugField(primary_key=True, max_length=64)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    built_in = models.BooleanField(default=False)
    priority = models.IntegerField(default=0)

    class Meta:
        ordering = ("-priority", "id")

    def __str__(self) -> str:
        return self.id


class Permission(models.Model):
    """One rule of a role. `conditions` maps a request attribute to the value that it must have."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="permissions")
    action = models.CharField(max_length=64)
    resource = models.CharField(max_length=256)
    effect = models.CharField(max_length=5, choices=Effect, default=Effect.ALLOW)
    conditions = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.effect} {self.action} on {self.resource}"


class Principal(models.Model):
    """Whom roles are given to: a Pulse user's public UUID or a product's own user id."""

    id = models.CharField(primary_key=True, max_length=128)
    display_name = models.CharField(max_length=150, blank=True, help_text="Never decides.")

    def __str__(self) -> str:
        return self.id


class Assignment(models.Model):
    principal = models.ForeignKey(Principal, models.CASCADE, related_name="assignments")
    role = models.ForeignKey(Role, models.PROTECT, related_name="assignments")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("principal", "role"), name="assignment_once"),)

    def __str__(self) -> str:
        return f"{self.principal_id} is {self.role_id}"


class Change(models.Model):
    """The append-only changelog; triggers refuse UPDATE and DELETE."""

    at = models.DateTimeField(help_text="UTC.")
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=64)
    subject = models.CharField(max_length=128)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"

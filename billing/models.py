"""What an organization has subscribed to."""

from django.db import models


class State(models.TextChoices):
    TRIAL = "trial"
    ACTIVE = "active"
    GRACE = "grace"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    CANCELED = "canceled"


class Subscription(models.Model):
    organization = models.OneToOneField(
        "tenants.Organization", models.CASCADE, primary_key=True, related_name="subscription"
    )
    state = models.CharField(max_length=16, choices=State, default=State.TRIAL)
    trial_ends_at = models.DateTimeField(
        null=True, blank=True, help_text="UTC; a trial without an end is over."
    )

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.state}"

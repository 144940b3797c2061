"""Plans and their versions, what an organization has subscribed to, operators' overrides, Stripe's events."""

from typing import Self

from django.db import models
from django.utils import timezone


class State(models.TextChoices):
    TRIAL = "trial"
    ACTIVE = "active"
    GRACE = "grace"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    CANCELED = "canceled"


class Plan(models.Model):
    """Something that is sold. What it holds is in its versions; a change is a new version."""

    id = models.SlugField(primary_key=True, max_length=32)
    name = models.CharField(max_length=100)
    is_offered = models.BooleanField(default=True, help_text="New subscribers can choose it.")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class PlanVersion(models.Model):
    """What a plan holds. Never changed: whoever subscribed to it keeps it until moved."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    capabilities = models.JSONField(default=list)
    limits = models.JSONField(default=dict)
    meters = models.JSONField(default=list)
    price_ids = models.JSONField(default=list, blank=True, help_text="Stripe's prices that stand for it.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("plan_id", "-number")
        constraints = (models.UniqueConstraint(fields=("plan", "number"), name="plan_version_once"),)

    def __str__(self) -> str:
        return f"{self.plan_id} v{self.number}"


class Source(models.TextChoices):
    MANUAL = "manual"
    STRIPE = "stripe"


class Subscription(models.Model):
    """What the organization has subscribed to. Instants are UTC."""

    organization = models.OneToOneField(
        "tenants.Organization", models.CASCADE, primary_key=True, related_name="subscription"
    )
    state = models.CharField(max_length=16, choices=State, default=State.TRIAL)
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="subscriptions")
    trial_ends_at = models.DateTimeField(
        null=True, blank=True, help_text="UTC; a trial without an end is over."
    )
    period_ends_at = models.DateTimeField(null=True, blank=True)
    grace_ends_at = models.DateTimeField(null=True, blank=True)
    cancel_at_period_end = models.BooleanField(default=False)
    source = models.CharField(max_length=8, choices=Source, default=Source.MANUAL)
    stripe_customer = models.CharField(max_length=64, blank=True, db_index=True)
    stripe_subscription = models.CharField(max_length=64, blank=True, db_index=True)
    # What the owners were told, so that each mail goes out once: the state, and which trial's end is near.
    told_state = models.CharField(max_length=16, choices=State, default=State.TRIAL, editable=False)
    trial_warned_for = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = (
            models.Index(fields=("state", "organization"), name="subscription_state"),
            models.Index(fields=("source", "organization"), name="subscription_source"),
            models.Index(fields=("trial_ends_at",), name="subscription_trial_end"),
            models.Index(fields=("state", "trial_ends_at"), name="subscription_trials"),
            models.Index(fields=("period_ends_at",), name="subscription_period_end"),
        )

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.state}"


class OverrideQuerySet(models.QuerySet["Override"]):
    def standing(self) -> Self:
        """Not revoked; what of them is in force at a moment is `entitlements`' to say."""
        return self.filter(revoked_at=None)


class Override(models.Model):
    """A layer over an organization's subscription. Never edited: it is revoked, or it ends by itself.

    Empty parts leave the layer below as it is. In force from `valid_from` until `valid_until`, UTC.
    """

    class Kind(models.TextChoices):
        OVERRIDE = "override"
        TRIAL_EXTENSION = "trial_extension"
        GRACE = "grace"
        PLAN = "plan"

    organization = models.ForeignKey("tenants.Organization", models.CASCADE, related_name="overrides")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.OVERRIDE)
    state = models.CharField(max_length=16, choices=State, blank=True)
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, blank=True)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    capabilities_added = models.JSONField(default=list, blank=True)
    capabilities_removed = models.JSONField(default=list, blank=True)
    meters_added = models.JSONField(default=list, blank=True)
    meters_removed = models.JSONField(default=list, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    valid_from = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)

    objects = OverrideQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        indexes = (
            models.Index(
                fields=("valid_until",), condition=models.Q(revoked_at=None), name="override_ending"
            ),
        )

    def __str__(self) -> str:
        return f"override #{self.pk}"


class StripeSubscription(models.Model):
    """The newest that Stripe has said of one of its subscriptions; an organization can have had several."""

    id = models.CharField(primary_key=True, max_length=64)
    organization = models.ForeignKey(
        "tenants.Organization", models.CASCADE, related_name="stripe_subscriptions"
    )
    described = models.JSONField(help_text="Stripe's object.")
    order = models.CharField(max_length=120, help_text="Sorts as Stripe's events happened.")

    class Meta:
        verbose_name = "Stripe subscription"

    def __str__(self) -> str:
        return self.id


class StripeEvent(models.Model):
    """An event of Stripe's, stored once by its id before it is answered, and processed by a job."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        APPLIED = "applied"
        OUTDATED = "outdated"
        IRRELEVANT = "irrelevant"
        UNKNOWN_CUSTOMER = "unknown_customer"
        PARKED = "parked"

    id = models.CharField(primary_key=True, max_length=100)
    type = models.CharField(max_length=100)
    created = models.DateTimeField(help_text="By Stripe's clock, UTC.")
    received_at = models.DateTimeField(default=timezone.now)
    payload = models.JSONField()
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    organization = models.ForeignKey(
        "tenants.Organization", models.SET_NULL, null=True, related_name="stripe_events"
    )
    customer = models.CharField(max_length=64, blank=True, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    try_after = models.DateTimeField(default=timezone.now)
    error = models.CharField(max_length=500, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-received_at",)
        verbose_name = "Stripe event"
        # Whole, because SQLite does not choose a partial index by the value of a parameter.
        indexes = (
            models.Index(fields=("status", "try_after"), name="stripe_event_due"),
            models.Index(fields=("-received_at",), name="stripe_event_newest"),
            models.Index(fields=("status", "-received_at"), name="stripe_event_became"),
            models.Index(fields=("type", "-received_at"), name="stripe_event_type"),
            models.Index(fields=("organization", "-received_at"), name="stripe_event_whose"),
        )

    def __str__(self) -> str:
        return self.id

"""Organizations, the people in them, and the tokens that act for people."""

import re
import uuid
from datetime import datetime
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

DEFAULT_ORGANIZATION = "default"
ORGANIZATION_ID = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# Each part has at most 63 characters: 1 + 61 + 1.
LONGEST_ID = 63


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person; without a password they cannot sign in with one."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def owners_of(self, organization_id: str) -> models.QuerySet["User"]:
        """The organization's owners but those who are shut out."""
        return self.filter(
            memberships__organization=organization_id, memberships__is_owner=True, is_active=True
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `public_id` is their stable name in RBAC databases, logs and the audit."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("operator", default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ("email",)
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_once"),)
        indexes = (
            models.Index(fields=("is_staff", "email"), name="user_operators"),
            models.Index(fields=("is_active", "email"), name="user_shut_out"),
        )

    def __str__(self) -> str:
        return self.email


class Status(models.TextChoices):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING_DELETION = "pending_deletion"
    PURGED = "purged"


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def living(self) -> Self:
        """All but the tombstones."""
        return self.exclude(status=Status.PURGED)

    def purged(self) -> Self:
        """The tombstones."""
        return self.filter(status=Status.PURGED)

    def customers(self) -> Self:
        """All but those that drills make for themselves."""
        return self.filter(is_synthetic=False)

    def synthetic(self) -> Self:
        """Those that drills make; by an index, which SQLite takes for no bare boolean."""
        return self.filter(is_synthetic__in=[True])

    def named(self, organization_id: str) -> Self:
        """That of the id; none for a text that cannot be one (PostgreSQL refuses to compare some)."""
        if not re.fullmatch(ORGANIZATION_ID, organization_id):
            return self.none()
        return self.filter(id=organization_id)

    def due_for_purge(self, *, now: datetime) -> Self:
        """Past their retention; a range of the index `organization_due`."""
        return self.filter(status=Status.PENDING_DELETION, purge_after__lte=now).order_by("purge_after")

    def search(self, words: str) -> Self:
        """Part of the id, the display name or an owner's e-mail address; all for an empty text."""
        if not words:
            return self
        owned = Membership.objects.filter(is_owner=True, user__email__icontains=words)
        named = models.Q(id__icontains=words) | models.Q(display_name__icontains=words)
        return self.filter(named | models.Q(pk__in=owned.values("organization")))

    def with_owner(self) -> Self:
        """Annotates `owner_email`, that of the longest-standing owner."""
        owners = Membership.objects.filter(organization=models.OuterRef("pk"), is_owner=True)
        return self.annotate(owner_email=models.Subquery(owners.order_by("pk").values("user__email")[:1]))


class Organization(models.Model):
    """A tenant. Its `id` is its one identity everywhere; a purged one stays as a tombstone."""

    id = models.CharField(
        primary_key=True,
        max_length=LONGEST_ID,
        validators=[RegexValidator(rf"^{ORGANIZATION_ID}\Z")],
    )
    display_name = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    status_changed_at = models.DateTimeField(default=timezone.now, help_text="UTC.")
    status_before_deletion = models.CharField(max_length=20, choices=Status, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspend_reason = models.CharField(max_length=500, blank=True)
    deletion_requested_at = models.DateTimeField(null=True, blank=True)
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    purge_after = models.DateTimeField(null=True, blank=True)
    signup_email = models.EmailField(
        null=True, blank=True, unique=True, help_text="Who asked, in lower case."
    )
    created_at = models.DateTimeField(default=timezone.now)
    # Made by a drill: left out of counts, bills and mails, and erased without a tombstone.
    is_synthetic = models.BooleanField("synthetic", default=False, editable=False)
    support_may_write = models.BooleanField(
        default=False, editable=False, help_text="Operators who look in as support may also write."
    )
    # Written by tenants.sso alone, and read in the gate's one row.
    sso_only = models.BooleanField(
        default=False, editable=False, help_text="Members get in by their identity provider alone."
    )
    # What the gate needs of the subscription, in the row that it reads anyway. Written by billing alone.
    entitlement_timeline = models.TextField(default='[[null,0,""]]', editable=False)
    # Of the tenant's own database: its schema, its newest backup, and since when verify has failed. Written
    # by rbac alone.
    schema_version = models.PositiveIntegerField(default=0, editable=False)
    backed_up_at = models.DateTimeField(null=True, editable=False)
    damaged_since = models.DateTimeField(null=True, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        permissions = (
            ("run_lifecycle", "Can suspend, unsuspend, soft-delete and restore organizations"),
            ("provision_organization", "Can provision organizations"),
            ("purge_organization", "Can purge organizations past their retention"),
            ("export_organization", "Can export all that is held on an organization"),
            ("manage_access", "Can see and change roles within organizations"),
            ("care_for_databases", "Can back up, restore and migrate organizations' databases"),
            ("break_glass", "Can make a member an organization's admin"),
            ("look_in", "Can look into an organization as a member does, for an hour and with a reason"),
        )
        indexes = (
            # Whole, because SQLite does not choose a partial index by the value of a parameter. It also
            # serves whatever filters by the status alone.
            models.Index(fields=("status", "purge_after"), name="organization_due"),
            models.Index(fields=("-created_at",), name="organization_newest"),
            models.Index(fields=("schema_version",), name="organization_schema"),
            models.Index(fields=("-status_changed_at",), name="organization_changed"),
            models.Index(fields=("status", "id"), name="organization_status"),
            models.Index(fields=("is_synthetic", "id"), name="organization_synthetic"),
            models.Index(fields=("backed_up_at",), name="organization_backed_up"),
            models.Index(
                fields=("id",), condition=models.Q(damaged_since__isnull=False), name="organization_damaged"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(id=DEFAULT_ORGANIZATION) | models.Q(status=Status.ACTIVE),
                name="default_organization_is_active",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=Status.PENDING_DELETION) | models.Q(purge_after__isnull=False),
                name="pending_deletion_has_its_end",
            ),
        )

    def __str__(self) -> str:
        return self.id

    @property
    def is_default(self) -> bool:
        return self.id == DEFAULT_ORGANIZATION


class DailyCount(models.Model):
    """How many organizations had a status when a day began, UTC; drills' own are left out."""

    day = models.DateField()
    status = models.CharField(max_length=20, choices=Status)
    count = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("day", "status"), name="daily_count_once"),)

    def __str__(self) -> str:
        return f"{self.day} {self.status}"


class Membership(models.Model):
    """That a person belongs to an organization. What they may do there is in its RBAC roles alone."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    is_owner = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now)
    signed_out_at = models.DateTimeField(
        null=True, editable=False, help_text="Sessions from before are over in this organization; UTC."
    )
    # Of a person whom the organization's identity provider has signed in; written by tenants.sso alone.
    vouched_until = models.DateTimeField(
        null=True, editable=False, help_text="Sessions and tokens work no longer here; UTC."
    )
    is_emergency_owner = models.BooleanField(
        default=False, editable=False, help_text="Gets in by password whatever the identity provider does."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "organization"), name="membership_once"),
            models.UniqueConstraint(
                fields=("organization",),
                condition=models.Q(is_emergency_owner=True),
                name="emergency_owner_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}"


class Invitation(models.Model):
    """That somebody is asked to join an organization, with these roles. Only the link's hash is kept.

    `invited_by` is empty for one made from the command line. At its acceptance the inviter must still be
    allowed to give the roles.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    roles = models.JSONField(default=list)
    invited_by = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text="UTC.")
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "email"),
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        )

    def __str__(self) -> str:
        return f"invitation {self.pk} to {self.organization_id}"


class SupportAccess(models.Model):
    """That an operator looks into an organization as a member does, for at most an hour."""

    operator = models.ForeignKey(User, models.CASCADE, related_name="+")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="support_accesses")
    reason = models.CharField(max_length=500)
    started_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text="UTC.")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-started_at",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"support of {self.organization_id}"


class DomainClaim(models.Model):
    """That an organization says a domain is its own; proven, while `verified_at` is set.

    `proven_at` is when its record was last seen. Any number may claim a domain, and one holds it.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="domain_claims")
    domain = models.CharField(max_length=253, help_text="As the DNS writes it: lower case, punycode.")
    token = models.CharField(max_length=32, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    verified_at = models.DateTimeField(null=True, help_text="UTC.")
    proven_at = models.DateTimeField(null=True, help_text="UTC.")

    class Meta:
        ordering = ("domain",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("organization", "domain"), name="domain_claimed_once"),
            models.UniqueConstraint(
                fields=("domain",),
                condition=models.Q(verified_at__isnull=False),
                name="domain_held_by_one",
            ),
        )

    def __str__(self) -> str:
        return f"{self.domain} of {self.organization_id}"


class ApiToken(models.Model):
    """Acts for its user: within one organization, or, without one, as an operator. Only its hash is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, related_name="tokens"
    )
    name = models.CharField(max_length=100, blank=True, help_text="What it is for.")
    prefix = models.CharField(max_length=14, help_text="The token's beginning, to tell it by.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=150)
    made_by = models.ForeignKey("self", models.SET_NULL, null=True, editable=False, related_name="made")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API token"
        indexes = (
            models.Index(fields=("-created_at",), name="token_newest"),
            models.Index(fields=("prefix",), name="token_prefix"),
            models.Index(fields=("organization", "-created_at"), name="token_of_organization"),
        )

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class RecoveryToken(models.Model):
    """A one-time word that lets an operator make a member an organization's admin. Only its hash is kept."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="recovery_tokens")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField(help_text="UTC; 15 minutes after it was made.")
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"recovery of {self.organization_id}"


class InvitationCode(models.Model):
    """Lets people sign up at the stage private_beta: the one with the e-mail address, or as many as `uses`.

    Only its hash is kept.
    """

    prefix = models.CharField(max_length=14, help_text="The code's beginning, to tell it by.")
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    email = models.EmailField(blank=True, help_text="For this address alone; empty for anyone.")
    uses = models.PositiveIntegerField(default=1)
    used = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField(help_text="UTC.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "invitation code"
        constraints = (
            models.CheckConstraint(condition=models.Q(used__lte=models.F("uses")), name="used_within_uses"),
        )

    def __str__(self) -> str:
        return f"{self.prefix}…"


class SignupRequest(models.Model):
    """That somebody asked for an organization; nothing is made before the mailed link is followed."""

    email = models.EmailField()
    name = models.CharField(max_length=64)
    invitation = models.ForeignKey(InvitationCode, models.SET_NULL, null=True, related_name="requests")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    answered_at = models.DateTimeField(null=True, db_index=True, help_text="When the mail was handed over.")
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"sign-up {self.pk}"


class BulkRun(models.Model):
    """One operation on many organizations; a job carries it out, one organization at a time."""

    operation = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)
    operator = models.ForeignKey(User, models.SET_NULL, null=True)
    # It outlives the operator, whose run then is nobody else's.
    started_by = models.CharField(
        max_length=64, blank=True, help_text="The operator's public UUID. Empty: from the command line."
    )
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    canceled_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()
        verbose_name = "bulk run"

    def __str__(self) -> str:
        return f"#{self.pk} {self.operation}"

    @property
    def wanted_by(self) -> str:
        if self.operator is not None:
            return self.operator.email
        return "somebody who was erased" if self.started_by else "the command line"


class BulkResult(models.Model):
    """What became of one organization in a run. Its id alone, because it may be erased before the result."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"
        CANCELED = "canceled"

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="results")
    organization = models.CharField(max_length=LONGEST_ID)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    detail = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()
        verbose_name = "bulk result"
        constraints = (models.UniqueConstraint(fields=("run", "organization"), name="bulk_result_once"),)
        indexes = (models.Index(fields=("run", "state", "id"), name="bulk_result_state"),)

    def __str__(self) -> str:
        return f"{self.organization}: {self.state}"


# At the end, because they refer to the above; Django finds an app's models through this module.
from tenants.sso.models import SsoConnection, SsoGroup, SsoIdentity  # noqa: E402, F401

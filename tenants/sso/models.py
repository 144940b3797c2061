"""An organization's connection to its identity provider, and whom the provider has vouched for."""

from django.db import models
from django.utils import timezone

LONGEST_CLAIM = 255


class SsoConnection(models.Model):
    """By which provider an organization's people sign in. The client secret is sealed (`pulse.sealing`)."""

    organization = models.OneToOneField("tenants.Organization", models.CASCADE, related_name="sso_connection")
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    sealed_secret = models.TextField(editable=False)
    groups_claim = models.CharField(max_length=64, default="groups")
    session_minutes = models.PositiveIntegerField(default=480)
    enabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"single sign-on of {self.organization_id}"


class SsoGroup(models.Model):
    """That the provider's group has the role, by its id, in the organization."""

    connection = models.ForeignKey(SsoConnection, models.CASCADE, related_name="groups")
    group = models.CharField(max_length=LONGEST_CLAIM)
    role = models.CharField(max_length=64)

    class Meta:
        ordering = ("group", "role")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("connection", "group", "role"), name="sso_group_role_once"),
        )

    def __str__(self) -> str:
        return f"{self.group} has {self.role}"


class SsoIdentity(models.Model):
    """Who the provider's `subject` is. A person has one at a connection."""

    connection = models.ForeignKey(SsoConnection, models.CASCADE, related_name="identities")
    user = models.ForeignKey("tenants.User", models.CASCADE, related_name="sso_identities")
    subject = models.CharField(max_length=LONGEST_CLAIM)
    linked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("connection", "subject"), name="sso_subject_once"),
            models.UniqueConstraint(fields=("connection", "user"), name="sso_person_once"),
        )

    def __str__(self) -> str:
        return f"{self.subject} at {self.connection_id}"

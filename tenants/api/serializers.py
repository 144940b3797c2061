"""JSON of organizations, their timeline, and the requests about them."""

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from pulse.audit import LONGEST_REASON
from pulse.models import AuditEvent
from tenants import invitation_codes
from tenants.invitations import DEFAULT_DAYS, LONGEST_DAYS
from tenants.lifecycle import DEFAULT_RETENTION_DAYS, LONGEST_RETENTION_DAYS
from tenants.models import (
    LONGEST_ID,
    ORGANIZATION_ID,
    ApiToken,
    DomainClaim,
    Invitation,
    InvitationCode,
    Membership,
    Organization,
    SupportAccess,
)
from tenants.sso import domains
from tenants.tokens import (
    DEFAULT_OVERLAP_HOURS,
    LONGEST_EXPIRY_DAYS,
    LONGEST_NAME,
    LONGEST_OVERLAP_HOURS,
    SCOPES,
)


class TextField(serializers.CharField):
    """A JSON string; not a number taken for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A JSON whole number; not a string of one, not 1.0, not true."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    owner_email = serializers.EmailField(read_only=True, allow_null=True)

    class Meta:
        model = Organization
        fields = (
            "id", "display_name", "status", "status_changed_at", "suspended_at", "suspend_reason",
            "deletion_requested_at", "retention_days", "purge_after", "owner_email", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class NewOrganizationSerializer(serializers.Serializer[Any]):
    email = TextField(max_length=254, help_text="The owner's e-mail address.")
    name = TextField(max_length=200, trim_whitespace=False)
    id = TextField(
        required=False,
        trim_whitespace=False,
        validators=[RegexValidator(rf"^{ORGANIZATION_ID}\Z")],
        help_text="Made from the name when absent.",
    )
    synthetic = serializers.BooleanField(
        default=False, help_text="For a drill: left out of counts, bills and mails."
    )


class RenameSerializer(serializers.Serializer[Any]):
    display_name = TextField(max_length=200, trim_whitespace=False)


class ReasonSerializer(serializers.Serializer[Any]):
    reason = TextField(
        required=False,
        default="",
        allow_blank=True,
        max_length=LONGEST_REASON,
        trim_whitespace=False,
    )


class SoftDeleteSerializer(ReasonSerializer):
    retention_days = StrictIntegerField(
        required=False,
        default=DEFAULT_RETENTION_DAYS,
        min_value=1,
        max_value=LONGEST_RETENTION_DAYS,
        help_text="Whole days until the reaper may purge it.",
    )


class SignupSerializer(serializers.Serializer[Any]):
    email = TextField(max_length=254)
    org_name = TextField(max_length=200, trim_whitespace=False)
    invitation = TextField(required=False, allow_blank=True, max_length=100)


class AcceptedSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(read_only=True, default="accepted")


class EventSerializer(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = (
            "sequence", "at", "actor_kind", "actor", "door", "verb", "organization",
            "before", "after", "reason", "request_id", "hash",
        )  # fmt: skip
        read_only_fields = fields


class FindingsSerializer(serializers.Serializer[Any]):
    whole = serializers.BooleanField(help_text="True when there are no findings.")
    findings = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="What is wrong, by tenant resource.",
    )


class MemberSerializer(serializers.ModelSerializer[Membership]):
    id = serializers.UUIDField(source="user.public_id", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "email", "name", "is_owner", "joined_at")
        read_only_fields = fields


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    class Meta:
        model = Invitation
        fields = ("id", "email", "roles", "created_at", "expires_at")
        read_only_fields = fields


class NewInvitationSerializer(serializers.Serializer[Any]):
    email = TextField(max_length=254)
    roles = serializers.ListField(child=TextField(max_length=64), required=False, default=list, max_length=50)
    days = StrictIntegerField(
        required=False,
        default=DEFAULT_DAYS,
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text="Until it expires.",
    )


class MyOrganizationSerializer(serializers.ModelSerializer[Membership]):
    id = serializers.CharField(source="organization_id", read_only=True)
    display_name = serializers.CharField(source="organization.display_name", read_only=True)
    status = serializers.CharField(source="organization.status", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "display_name", "status", "is_owner", "joined_at")
        read_only_fields = fields


class ChoiceSerializer(serializers.Serializer[Any]):
    organization = TextField(max_length=LONGEST_ID)


class LookInSerializer(serializers.Serializer[Any]):
    reason = TextField(max_length=LONGEST_REASON)
    minutes = StrictIntegerField(required=False, default=60, min_value=1, max_value=60)


class SupportAccessSerializer(serializers.ModelSerializer[SupportAccess]):
    operator = serializers.UUIDField(source="operator.public_id", read_only=True)

    class Meta:
        model = SupportAccess
        fields = ("id", "operator", "reason", "started_at", "expires_at", "ended_at")
        read_only_fields = fields


class SupportSettingSerializer(serializers.Serializer[Any]):
    may_write = serializers.BooleanField(help_text="Whether support may write, not only read.")


class DomainClaimSerializer(serializers.ModelSerializer[DomainClaim]):
    record_name = serializers.SerializerMethodField(help_text="The name of the TXT record to publish.")
    record_text = serializers.SerializerMethodField(help_text="Its text.")

    class Meta:
        model = DomainClaim
        fields = ("id", "domain", "record_name", "record_text", "created_at", "verified_at", "proven_at")
        read_only_fields = fields

    def get_record_name(self, claim: DomainClaim) -> str:
        return domains.record_of(claim)[0]

    def get_record_text(self, claim: DomainClaim) -> str:
        return domains.record_of(claim)[1]


class NewDomainSerializer(serializers.Serializer[Any]):
    domain = TextField(max_length=domains.LONGEST_DOMAIN, help_text="Such as example.com.")


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "created_by",
            "expires_at",
            "revoked_at",
            "last_used_at",
        )
        read_only_fields: tuple[str, ...] = fields


class NewTokenSerializer(serializers.Serializer[Any]):
    name = TextField(
        required=False, default="", allow_blank=True, max_length=LONGEST_NAME, help_text="What it is for."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES), allow_empty=False, max_length=len(SCOPES)
    )
    expires_days = StrictIntegerField(required=False, min_value=1, max_value=LONGEST_EXPIRY_DAYS)


class RotationSerializer(serializers.Serializer[Any]):
    overlap_hours = StrictIntegerField(
        required=False,
        default=DEFAULT_OVERLAP_HOURS,
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        help_text="For how long the rotated token works on.",
    )


class InvitationCodeSerializer(serializers.ModelSerializer[InvitationCode]):
    email = serializers.CharField(read_only=True, help_text="Whose alone it is; empty for anybody's.")

    class Meta:
        model = InvitationCode
        fields: tuple[str, ...] = (
            "id", "prefix", "email", "uses", "used", "note", "created_at", "created_by", "expires_at",
            "revoked_at",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = fields


class NewInvitationCodeSerializer(serializers.Serializer[Any]):
    email = TextField(
        required=False, default="", allow_blank=True, max_length=254, help_text="For this address alone."
    )
    uses = StrictIntegerField(
        required=False,
        default=1,
        min_value=1,
        max_value=invitation_codes.MOST_USES,
        help_text="How many organizations may be made by it.",
    )
    days = StrictIntegerField(
        required=False,
        default=invitation_codes.DEFAULT_DAYS,
        min_value=1,
        max_value=invitation_codes.MOST_DAYS,
        help_text="Until it expires.",
    )
    note = TextField(required=False, default="", allow_blank=True, max_length=200)


class IssuedInvitationCodeSerializer(InvitationCodeSerializer):
    code = serializers.CharField(read_only=True, help_text="Shown this once.")

    class Meta(InvitationCodeSerializer.Meta):
        fields = (*InvitationCodeSerializer.Meta.fields, "code")
        read_only_fields = fields


class IssuedTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="Shown this once.")

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token")
        read_only_fields = fields

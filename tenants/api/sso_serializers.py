"""What the tenant API says of the organization's single sign-on. The client secret goes in and never out."""

from typing import Any

from rest_framework import serializers

from tenants.api.serializers import TextField
from tenants.models import Membership
from tenants.sso.configuration import LONGEST_SECRET, LONGEST_SESSION, SHORTEST_SESSION
from tenants.sso.models import LONGEST_CLAIM


class SsoSerializer(serializers.Serializer[Any]):
    """Texts are empty and numbers null while no provider is named."""

    redirect_uri = serializers.CharField(
        help_text="What the provider is to be told as the address to lead back to."
    )
    issuer = serializers.CharField()
    client_id = serializers.CharField()
    has_secret = serializers.BooleanField()
    groups_claim = serializers.CharField()
    session_minutes = serializers.IntegerField(allow_null=True)
    enabled = serializers.BooleanField()
    sso_only = serializers.BooleanField(help_text="Nobody but the owner for emergencies gets in by password.")
    emergency_owner = serializers.UUIDField(allow_null=True)
    missing = serializers.ListField(
        child=serializers.ChoiceField(("connection", "domain", "groups", "emergency_owner")),
        help_text="What is to be there before sign-in can be enabled.",
    )


class ConnectionSerializer(serializers.Serializer[Any]):
    issuer = TextField(max_length=500)
    client_id = TextField(max_length=255)
    client_secret = TextField(
        max_length=LONGEST_SECRET,
        default="",
        allow_blank=True,
        help_text="Left out, the present one is kept.",
    )
    groups_claim = TextField(max_length=64, default="groups")
    session_minutes = serializers.IntegerField(
        min_value=SHORTEST_SESSION, max_value=LONGEST_SESSION, default=480
    )


class GroupSerializer(serializers.Serializer[Any]):
    group = TextField(max_length=LONGEST_CLAIM)
    role = TextField(max_length=64)


class GroupsSerializer(serializers.Serializer[Any]):
    groups = GroupSerializer(many=True)


class EmergencyOwnerSerializer(serializers.Serializer[Any]):
    user = serializers.UUIDField()


class CheckSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    refusal = serializers.CharField(help_text="What is wrong; empty where nothing is.")


class ChecksSerializer(serializers.Serializer[Any]):
    passed = serializers.BooleanField()
    checks = CheckSerializer(many=True)


class VouchedSerializer(serializers.ModelSerializer[Membership]):
    id = serializers.UUIDField(source="user.public_id", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "email", "vouched_until", "is_emergency_owner")
        read_only_fields = fields

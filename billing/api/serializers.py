"""JSON of an organization's billing."""

from typing import Any

from rest_framework import serializers


class OriginSerializer(serializers.Serializer[Any]):
    """Where each part comes from: an override with its author, the subscription, the plan, or the default."""

    subscription_state = serializers.CharField()
    plan_version = serializers.CharField()
    trial_ends_at = serializers.CharField()
    capabilities = serializers.DictField(child=serializers.CharField())
    limits = serializers.DictField(child=serializers.CharField())
    meters_enabled = serializers.DictField(child=serializers.CharField())


class BillingStateSerializer(serializers.Serializer[Any]):
    subscription_state = serializers.CharField()
    plan_version = serializers.CharField(help_text="Such as `team v2`.")
    capabilities = serializers.ListField(child=serializers.CharField())
    limits = serializers.DictField(child=serializers.IntegerField())
    meters_enabled = serializers.ListField(child=serializers.CharField())
    trial_ends_at = serializers.DateTimeField(allow_null=True)
    origin = OriginSerializer()


class WantedStateSerializer(serializers.Serializer[Any]):
    """What the state shall be. A part that is absent is left as the layers below say."""

    subscription_state = serializers.CharField(required=False)
    plan_version = serializers.CharField(required=False)
    capabilities = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        max_length=100,
        help_text="The whole list.",
    )
    limits = serializers.DictField(required=False)
    meters_enabled = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        max_length=100,
        help_text="The whole list.",
    )
    trial_ends_at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, trim_whitespace=False, help_text="Kept in the audit."
    )


class EntitlementsSerializer(serializers.Serializer[Any]):
    state = serializers.CharField(source="subscription_state")
    plan_version = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.CharField())
    limits = serializers.DictField(child=serializers.IntegerField())
    meters_enabled = serializers.ListField(child=serializers.CharField())
    trial_ends_at = serializers.DateTimeField(allow_null=True)


class PlanSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(max_length=64, help_text="A plan's id.")


class LinkSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Where to send the person's browser.")


class ReceivedSerializer(serializers.Serializer[Any]):
    received = serializers.BooleanField()

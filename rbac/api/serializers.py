"""JSON of roles, assignments and decisions."""

from typing import Any

from rest_framework import serializers

from rbac.models import Permission, Role


class PermissionSerializer(serializers.ModelSerializer[Permission]):
    class Meta:
        model = Permission
        fields = ("action", "resource", "effect", "conditions")
        read_only_fields = fields


class RoleSerializer(serializers.ModelSerializer[Role]):
    permissions = PermissionSerializer(many=True, read_only=True)

    class Meta:
        model = Role
        fields = ("id", "name", "description", "parent", "built_in", "priority", "permissions")
        read_only_fields = fields


class AssignmentSerializer(serializers.Serializer[Any]):
    roles = serializers.ListField(
        child=serializers.CharField(max_length=64),
        max_length=500,
        help_text="Role ids, the whole list.",
    )


class CheckSerializer(serializers.Serializer[Any]):
    user = serializers.CharField(
        max_length=128, required=False, help_text="A principal; the caller when absent."
    )
    action = serializers.CharField(max_length=64)
    resource = serializers.CharField(max_length=256)
    attributes = serializers.DictField(required=False)


class DecidedBySerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    action = serializers.CharField()
    resource = serializers.CharField()
    effect = serializers.ChoiceField(choices=("allow", "deny"))


class DecisionSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    decided_by = DecidedBySerializer(allow_null=True, help_text="Null when no rule matched.")

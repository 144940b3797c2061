"""JSON of roles, assignments, changes and decisions. Formats and limits of a role are `rbac.drafts`'."""

from typing import Any

from rest_framework import serializers

from rbac.drafts import Draft, Grant
from rbac.models import Change, Effect, Permission, Principal, Role
from tenants.api.serializers import StrictIntegerField, TextField

MOST_CHECKS = 1000
LONGEST = {"user": 128, "action": 64, "resource": 256}


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


class ExactTextField(TextField):
    """A JSON string, taken as it is: what identifies something is not trimmed into something else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)


class GrantSerializer(serializers.Serializer[Any]):
    action = ExactTextField()
    resource = ExactTextField()
    effect = serializers.ChoiceField(choices=Effect.choices, default="allow")
    conditions = serializers.DictField(default=dict, help_text="Request attribute → value that it must have.")


class DraftSerializer(serializers.Serializer[Any]):
    name = TextField()
    description = TextField(default="", allow_blank=True)
    parent = ExactTextField(  # type: ignore[assignment]
        default=None, allow_null=True, help_text="A role to inherit from."
    )
    priority = StrictIntegerField(default=0, help_text="For display; it decides nothing.")
    permissions = GrantSerializer(many=True, default=list)

    def draft(self) -> Draft:
        wanted = dict(self.validated_data)
        wanted.pop("id", None)
        grants = tuple(Grant(**grant) for grant in wanted.pop("permissions"))
        return Draft(**wanted, permissions=grants)


class NewRoleSerializer(DraftSerializer):
    id = ExactTextField(max_length=64)


class CopySerializer(serializers.Serializer[Any]):
    id = ExactTextField(max_length=64, help_text="The new role's id.")
    name = TextField()


class AssignmentSerializer(serializers.Serializer[Any]):
    roles = serializers.ListField(
        child=ExactTextField(max_length=64), max_length=500, help_text="Role ids, the whole list."
    )


class PrincipalSerializer(serializers.ModelSerializer[Principal]):
    roles = serializers.SerializerMethodField()

    class Meta:
        model = Principal
        fields = ("id", "display_name", "roles")
        read_only_fields = fields

    def get_roles(self, principal: Principal) -> list[str]:
        return sorted(assignment.role_id for assignment in principal.assignments.all())


class EffectiveSerializer(serializers.Serializer[Any]):
    role = serializers.CharField(help_text="The role that says so.")
    through = serializers.CharField(help_text="The assigned role that it came by.")
    action = serializers.CharField()
    resource = serializers.CharField()
    effect = serializers.ChoiceField(choices=Effect.choices)
    conditions = serializers.DictField()


class EffectiveListSerializer(serializers.Serializer[Any]):
    permissions = EffectiveSerializer(many=True)


class ChangeSerializer(serializers.ModelSerializer[Change]):
    class Meta:
        model = Change
        fields = ("id", "at", "actor", "verb", "subject", "before", "after")
        read_only_fields = fields


class CheckSerializer(serializers.Serializer[Any]):
    user = ExactTextField(
        max_length=LONGEST["user"], required=False, help_text="A principal; the caller when absent."
    )
    action = ExactTextField(max_length=LONGEST["action"])
    resource = ExactTextField(max_length=LONGEST["resource"])
    attributes = serializers.DictField(required=False)


class BatchSerializer(serializers.Serializer[Any]):
    checks = serializers.ListField(child=CheckSerializer(), allow_empty=False, max_length=MOST_CHECKS)


def are_plain(checks: Any) -> bool:
    """Whether `BatchSerializer` would take every check as it stands; after a no it is asked, and says why.

    Shown to the serializer, a thousand checks would take five times as long as they do to decide.
    """
    return type(checks) is list and 0 < len(checks) <= MOST_CHECKS and all(map(_is_plain, checks))


def _is_plain(check: Any) -> bool:
    return (
        type(check) is dict
        and _is_plain_text(check.get("action"), LONGEST["action"])
        and _is_plain_text(check.get("resource"), LONGEST["resource"])
        and ("user" not in check or _is_plain_text(check["user"], LONGEST["user"]))
        and ("attributes" not in check or type(check["attributes"]) is dict)
    )


def _is_plain_text(text: Any, longest: int) -> bool:
    return type(text) is str and 0 < len(text) <= longest and text.isprintable()


class DecidedBySerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    action = serializers.CharField()
    resource = serializers.CharField()
    effect = serializers.ChoiceField(choices=Effect.choices)
    conditions = serializers.DictField()


class DecisionSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    decided_by = DecidedBySerializer(allow_null=True, help_text="Null when no rule matched.")


class DecisionsSerializer(serializers.Serializer[Any]):
    results = DecisionSerializer(many=True, help_text="In the order of the checks.")

"""What the API of incidents takes and answers."""

from typing import Any

from rest_framework import serializers

from runbooks.incidents import MOST_ORGANIZATIONS
from runbooks.models import Severity
from tenants.api.serializers import TextField


class OrganizationsField(serializers.ListField):
    child = serializers.CharField(max_length=63)

    def __init__(self, **more: Any) -> None:
        super().__init__(max_length=MOST_ORGANIZATIONS, required=False, default=list, **more)


class NewIncidentSerializer(serializers.Serializer[Any]):
    title = TextField()
    playbook = serializers.CharField(max_length=64)
    severity = serializers.CharField(
        max_length=2, required=False, default="", help_text="P1 to P4; the playbook's where it is left out."
    )
    organizations = OrganizationsField()
    note = TextField(required=False, default="", allow_blank=True)


class NoteSerializer(serializers.Serializer[Any]):
    note = TextField(required=False, default="", allow_blank=True)


class NewSeveritySerializer(serializers.Serializer[Any]):
    severity = serializers.CharField(max_length=2)
    reason = TextField()


class OwnerSerializer(serializers.Serializer[Any]):
    owner = serializers.UUIDField(allow_null=True, help_text="An operator's public UUID; null for nobody.")


class ActionSerializer(serializers.Serializer[Any]):
    organizations = OrganizationsField()


class OutcomesSerializer(serializers.Serializer[Any]):
    outcomes = serializers.DictField(
        child=serializers.CharField(), help_text="By organization, or under `pulse`."
    )


class ClockSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    due_at = serializers.DateTimeField()
    met_at = serializers.DateTimeField(allow_null=True)
    breached = serializers.BooleanField()
    seconds_left = serializers.IntegerField(help_text="Negative by how much it is over.")


class IncidentSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    title = serializers.CharField()
    severity = serializers.ChoiceField(choices=Severity.choices)
    status = serializers.CharField(help_text="open, acknowledged, contained, resolved or reviewed.")
    playbook = serializers.CharField()
    source = serializers.CharField(help_text="hand, drill or alert.")  # type: ignore[assignment]
    owner = serializers.CharField(allow_null=True)
    organizations = serializers.ListField(child=serializers.CharField())
    opened_at = serializers.DateTimeField()
    opened_by = serializers.CharField()
    clocks = ClockSerializer(many=True)


class StepSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    section = serializers.CharField()
    text = serializers.CharField()
    commands = serializers.ListField(child=serializers.CharField())
    button = serializers.CharField(allow_null=True)
    decision = serializers.CharField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)
    done_by = serializers.CharField(allow_null=True)


class EntrySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    kind = serializers.CharField()
    text = serializers.CharField()
    details = serializers.DictField()


class IncidentDetailSerializer(IncidentSerializer):
    steps = StepSerializer(many=True)
    timeline = EntrySerializer(many=True)


class MarkdownSerializer(serializers.Serializer[Any]):
    markdown = serializers.CharField()


class PlaybookSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    severity = serializers.CharField()
    clocks = serializers.DictField(child=serializers.IntegerField(), help_text="Seconds from the opening.")
    alerts = serializers.ListField(child=serializers.CharField())
    drills = serializers.ListField(child=serializers.CharField())
    markdown = serializers.CharField()


class PlaybookListSerializer(serializers.Serializer[Any]):
    results = PlaybookSerializer(many=True)


class FreezeSerializer(serializers.Serializer[Any]):
    frozen = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class NewFreezeSerializer(serializers.Serializer[Any]):
    frozen = serializers.BooleanField()
    reason = TextField()

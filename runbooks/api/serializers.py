"""What the API of runbooks takes and answers."""

from typing import Any

from rest_framework import serializers

from pulse.audit import LONGEST_REASON
from pulse.settings import STAGES
from runbooks import verdicts
from runbooks.models import EvidenceRecord, EvidenceRun, Outcome, Role, Verdict
from tenants.api.serializers import TextField


class NotifiedSerializer(serializers.Serializer[dict[str, object]]):
    incidents = serializers.ListField(child=serializers.IntegerField())


class LineSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="packet, condition, drill, evidence or lane.")
    lane = serializers.CharField()
    id = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField()
    holds = serializers.BooleanField()
    blocks = serializers.BooleanField(help_text="The stage waits for it unless it holds.")
    since = serializers.DateTimeField(allow_null=True)
    why = serializers.CharField()
    next = serializers.CharField(help_text="What to do about it.")


class BoardSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField()
    outcome = serializers.ChoiceField(Outcome.choices)
    version = serializers.CharField()
    is_dirty = serializers.BooleanField()
    verdict_stands = serializers.BooleanField()
    lines = LineSerializer(many=True)


class VerdictSerializer(serializers.ModelSerializer[Verdict]):
    state = serializers.SerializerMethodField(
        help_text="standing, no go, not yet, superseded, revoked, lapsed or expired."
    )

    class Meta:
        model = Verdict
        fields = (
            "id", "stage", "outcome", "state", "signed_at", "signed_by", "reason", "expires_at", "version",
            "evidence_sequence", "reasons",
        )  # fmt: skip
        read_only_fields = fields

    def get_state(self, verdict: Verdict) -> str:
        return verdicts.state_of(verdict)


class SignSerializer(serializers.Serializer[Any]):
    stage = serializers.ChoiceField(STAGES)
    reason = TextField(max_length=LONGEST_REASON)
    outcome = serializers.ChoiceField(Outcome.choices, required=False, help_text="What you have seen.")


class RevokeSerializer(serializers.Serializer[Any]):
    reason = TextField(max_length=LONGEST_REASON)


class RecordSerializer(serializers.ModelSerializer[EvidenceRecord]):
    output = serializers.CharField(read_only=True, default="")

    class Meta:
        model = EvidenceRecord
        fields = (
            "sequence", "argv", "exit_code", "passed", "failure", "started_at", "ended_at", "seconds",
            "version", "is_dirty", "host", "actor", "output_bytes", "output_sha256", "junit", "previous_hash",
            "hash", "output",
        )  # fmt: skip
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer[EvidenceRun]):
    records: serializers.Field[Any, Any, Any, Any] = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True
    )

    class Meta:
        model = EvidenceRun
        fields = (
            "id", "lane", "subject", "role", "actor", "version", "is_dirty", "host", "started_at", "ended_at",
            "passed", "failure", "records",
        )  # fmt: skip
        read_only_fields = fields


class RunEvidenceSerializer(serializers.Serializer[Any]):
    packet = TextField(max_length=32)
    role = serializers.ChoiceField((Role.IMPLEMENTER, Role.REVIEWER))
    lane = TextField(max_length=64, required=False, default="")

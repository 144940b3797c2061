"""The operators' care for one tenant's database: verify, backup, restore, break-glass."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import validated
from pulse.problems import InvalidReason
from rbac import backups, integrity, recovery, restoring
from tenants import organizations
from tenants.api.operator_views import OperatorView
from tenants.errors import InvalidEmail

REFUSALS = {"reason": InvalidReason, "email": InvalidEmail}


class DatabaseFindingsSerializer(serializers.Serializer[Any]):
    whole = serializers.BooleanField(help_text="True when there are no findings.")
    findings = serializers.ListField(child=serializers.CharField())


class WhySerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)


class BackupSerializer(serializers.Serializer[Any]):
    organization = serializers.CharField()
    name = serializers.CharField(help_text="Its instant, UTC.")
    made_at = serializers.DateTimeField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()
    schema_version = serializers.IntegerField()
    audit_sequence = serializers.IntegerField(help_text="The last audit event before it.")
    reason = serializers.CharField()


class BackupsSerializer(serializers.Serializer[Any]):
    results = BackupSerializer(many=True, help_text="The newest first.")


class RestoreSerializer(WhySerializer):
    backup = serializers.CharField(max_length=64, help_text="A backup's name.")


class IssuedSerializer(serializers.Serializer[Any]):
    recovery_token = serializers.CharField(help_text="Shown this once.")
    expires_at = serializers.DateTimeField()


class RedeemSerializer(serializers.Serializer[Any]):
    recovery_token = serializers.CharField(max_length=100)
    email = serializers.CharField(max_length=254, help_text="A member of the organization.")


class NewAdminSerializer(serializers.Serializer[Any]):
    user = serializers.UUIDField(help_text="The member's public id.")
    roles = serializers.ListField(child=serializers.CharField())


class Verify(OperatorView):
    @extend_schema(responses=DatabaseFindingsSerializer)
    def get(self, request: Request, organization_id: str) -> Response:
        """Check the database: opens, schema, built-in roles, foreign keys, SQLite's own check."""
        findings = integrity.verify(organizations.living(organization_id).id)
        return Response({"whole": not findings, "findings": findings})


class Backups(OperatorView):
    @extend_schema(responses=BackupsSerializer)
    def get(self, request: Request, organization_id: str) -> Response:
        """The organization's backups."""
        found = backups.of_organization(organizations.living(organization_id).id)
        return Response({"results": [_shown(backup) for backup in found]})

    @extend_schema(request=WhySerializer, responses={201: BackupSerializer})
    def post(self, request: Request, organization_id: str) -> Response:
        """Back the database up, online."""
        wanted = validated(WhySerializer(data=request.data), codes=REFUSALS)
        backup = backups.make(organization_id, actor=self.actor(), **wanted)
        return Response(_shown(backup), status=status.HTTP_201_CREATED)


class BackupDetail(OperatorView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, organization_id: str, name: str) -> Response:
        """Delete the backup. This cannot be undone."""
        organization = organizations.living(organization_id)
        backups.remove(organization.id, name, actor=self.actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Restore(OperatorView):
    @extend_schema(request=RestoreSerializer, responses=BackupSerializer)
    def post(self, request: Request, organization_id: str) -> Response:
        """Put the database back to a backup; what is there is backed up first, if it can be read."""
        wanted = validated(RestoreSerializer(data=request.data), codes=REFUSALS)
        backup = restoring.restore(
            organization_id, wanted["backup"], actor=self.actor(), reason=wanted["reason"]
        )
        return Response(_shown(backup))


class ResetAdmin(OperatorView):
    secrets = ("recovery_token",)

    @extend_schema(request=WhySerializer, responses={201: IssuedSerializer})
    def post(self, request: Request, organization_id: str) -> Response:
        """A one-time recovery token, good for 15 minutes. A reason is required."""
        wanted = validated(WhySerializer(data=request.data), codes=REFUSALS)
        issued = recovery.issue(organization_id, actor=self.actor(), reason=wanted["reason"])
        shown = {"recovery_token": issued.text, "expires_at": issued.expires_at}
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(request=RedeemSerializer, responses=NewAdminSerializer)
    def put(self, request: Request, organization_id: str) -> Response:
        """Redeem the token: the member becomes an admin of the organization, and nothing else."""
        wanted = validated(RedeemSerializer(data=request.data), codes=REFUSALS)
        user = recovery.redeem(
            organization_id,
            token=wanted["recovery_token"],
            email=wanted["email"],
            actor=self.actor(),
        )
        return Response({"user": user.public_id, "roles": ["admin"]})


def _shown(backup: backups.Backup) -> dict[str, Any]:
    return dict(BackupSerializer(asdict(backup)).data)

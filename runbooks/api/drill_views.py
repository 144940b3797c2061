"""The operators' API of drills: open while hosted mode is shut, because a verdict may wait for one."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.drills import asking, catalogue, history
from runbooks.models import DrillRun, DrillStep
from tenants.api.operator_views import OperatorView


class DrillSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    purpose = serializers.CharField()
    blast_radius = serializers.CharField(help_text="Whom it may touch.")
    blocks = serializers.ListField(child=serializers.CharField(), help_text="Stages whose verdict it ends.")
    not_applicable = serializers.CharField(help_text="Why it cannot be held here; empty when it can.")
    probes = serializers.ListField(child=serializers.CharField())
    steps = serializers.ListField(child=serializers.CharField())


class DrillListSerializer(serializers.Serializer[Any]):
    results = DrillSerializer(many=True)


class AskedSerializer(serializers.Serializer[Any]):
    drill = serializers.CharField()
    status = serializers.CharField(help_text="queued")


class DrillStepSerializer(serializers.ModelSerializer[DrillStep]):
    class Meta:
        model = DrillStep
        fields = ("number", "phase", "name", "passed", "detail", "started_at", "seconds")
        read_only_fields = fields


class DrillRunSerializer(serializers.ModelSerializer[DrillRun]):
    class Meta:
        model = DrillRun
        fields: tuple[str, ...] = (
            "id", "drill", "state", "started_at", "ended_at", "seconds", "actor", "door",
            "base_url", "version",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = fields


class JournalSerializer(DrillRunSerializer):
    steps = DrillStepSerializer(many=True)

    class Meta(DrillRunSerializer.Meta):
        fields = (*DrillRunSerializer.Meta.fields, "steps")
        read_only_fields = fields


class Drills(OperatorView):
    read_permission = history.PERMISSION

    @extend_schema(responses=DrillListSerializer)
    def get(self, request: Request) -> Response:
        """All drills, as they are declared."""
        return Response({"results": [history.declared(drill) for drill in catalogue.DRILLS]})


class Hold(OperatorView):
    @extend_schema(request=None, responses={202: AskedSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Have a worker hold the drill. 409 `drill_running` while one is held or waits."""
        drill = asking.ask(name, actor=self.actor())
        return Response({"drill": drill.name, "status": "queued"}, status=status.HTTP_202_ACCEPTED)


class DrillRuns(OperatorView, generics.ListAPIView[DrillRun]):
    """What has become of drills, the newest first."""

    read_permission = history.PERMISSION
    serializer_class = DrillRunSerializer
    filterset_fields = ("drill", "state")
    ordering_fields = ("started_at", "seconds")

    def get_queryset(self) -> QuerySet[DrillRun]:
        return history.runs_of()


class DrillRunDetail(OperatorView, generics.RetrieveAPIView[DrillRun]):
    """One run with its journal, which grows while it is held."""

    read_permission = history.PERMISSION
    serializer_class = JournalSerializer
    queryset = DrillRun.objects.prefetch_related("steps")

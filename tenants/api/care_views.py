"""The operators' API for what concerns all tenants: the reaper, and the schedules of fleet-wide jobs."""

from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse import schedules
from pulse.api import validated
from pulse.models import Schedule
from tenants import reaper
from tenants.api.operator_views import OperatorView
from tenants.api.serializers import OrganizationSerializer, ReasonSerializer, TextField
from tenants.models import LONGEST_ID, Organization

# Purged by one request; each is a transaction and a folder's deletion.
MOST_REAPED = 100


class ReapedSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="organization_id")
    refusal = serializers.CharField(help_text="The code of what kept it; empty when it was purged.")
    detail = serializers.CharField()


class ReapedListSerializer(serializers.Serializer[Any]):
    results = ReapedSerializer(many=True)


class ReapSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=TextField(max_length=LONGEST_ID),
        required=False,
        max_length=MOST_REAPED,
        help_text="Purge these alone, as far as they are due; all that are when absent.",
    )


class ScheduleSerializer(serializers.ModelSerializer[Schedule]):
    class Meta:
        model = Schedule
        fields = ("name", "cron", "time_zone", "enabled", "next_run_at", "last_run_at")
        read_only_fields = fields


class Reaper(OperatorView, generics.ListAPIView[Organization]):
    """The organizations past their retention, the longest overdue first: what a live run would purge."""

    serializer_class = OrganizationSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Organization]:
        return Organization.objects.due_for_purge(now=timezone.now()).with_owner()

    @extend_schema(request=ReapSerializer, responses=ReapedListSerializer)
    def post(self, request: Request) -> Response:
        """Purge them, up to 100 by one request. This cannot be undone."""
        wanted = validated(ReapSerializer(data=request.data), codes={})
        reaped = list(islice(reaper.reap(actor=self.actor(), only=wanted.get("ids")), MOST_REAPED))
        return Response(ReapedListSerializer({"results": reaped}).data)


class Schedules(OperatorView, generics.ListAPIView[Schedule]):
    """The jobs that run by the clock: backups, restore rehearsals, verification, migrations, the reaper."""

    read_permission = "pulse.view_schedule"
    serializer_class = ScheduleSerializer
    queryset = Schedule.objects.order_by("name")
    filterset_fields = ("enabled",)
    ordering_fields = ("name", "next_run_at", "last_run_at")


class RunSchedule(OperatorView):
    @extend_schema(request=ReasonSerializer, responses={202: ScheduleSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Enqueue the schedule's job once more; a worker runs it over all tenants."""
        wanted = ReasonSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        schedule = schedules.run_now(name, actor=self.actor(), **wanted.validated_data)
        return Response(ScheduleSerializer(schedule).data, status=status.HTTP_202_ACCEPTED)

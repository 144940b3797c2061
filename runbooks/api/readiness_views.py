"""The operators' API of readiness: open while hosted mode is shut, because by it the gate is opened."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse.api import validated
from pulse.problems import InvalidReason
from runbooks import errors, evidence, lanes, packets, readiness, reports, runs, verdicts
from runbooks.api import serializers
from runbooks.models import EvidenceRecord, EvidenceRun, Role, Verdict
from tenants.api.operator_views import OperatorView

REFUSALS = {"stage": errors.UnknownStage, "reason": InvalidReason}


class Board(OperatorView):
    """Whether a stage may be run now, with every line that the answer comes from."""

    read_permission = packets.VIEW

    @extend_schema(
        parameters=[
            OpenApiParameter("stage", str, description="PULSE_STAGE, or private_beta in development.")
        ],
        responses=serializers.BoardSerializer,
    )
    def get(self, request: Request) -> Response:
        stage = request.query_params.get("stage") or readiness.default_stage()
        verdicts.require_stage(stage)
        return Response(reports.described(readiness.compute(stage)))


class Verdicts(OperatorView, generics.ListAPIView[Verdict]):
    """The signed verdicts, the newest first."""

    read_permission = verdicts.VIEW
    serializer_class = serializers.VerdictSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Verdict]:
        return Verdict.objects.select_related("end").all()

    @extend_schema(request=serializers.SignSerializer, responses={201: serializers.VerdictSerializer})
    def post(self, request: Request) -> Response:
        """Sign what is computed now; a NO_GO only where `outcome` names it."""
        wanted = validated(serializers.SignSerializer(data=request.data), codes=REFUSALS)
        signed = verdicts.sign(wanted.pop("stage"), actor=self.actor(), **wanted)
        return Response(serializers.VerdictSerializer(signed).data, status=status.HTTP_201_CREATED)


class Revoke(OperatorView):
    """End a verdict; the gate of its stage is shut from the next request on, in every process."""

    @extend_schema(request=serializers.RevokeSerializer, responses=serializers.VerdictSerializer)
    def post(self, request: Request, number: int) -> Response:
        wanted = validated(serializers.RevokeSerializer(data=request.data), codes=REFUSALS)
        revoked = verdicts.revoke(number, actor=self.actor(), **wanted)
        return Response(serializers.VerdictSerializer(revoked).data)


class Runs(OperatorView, generics.ListAPIView[EvidenceRun]):
    """The runs of evidence, the newest first."""

    read_permission = "runbooks.view_evidencerun"
    serializer_class = serializers.RunSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[EvidenceRun]:
        numbers = EvidenceRecord.objects.only("sequence", "run")
        return EvidenceRun.objects.prefetch_related(Prefetch("records", numbers))

    @extend_schema(request=serializers.RunEvidenceSerializer, responses={202: None})
    def post(self, request: Request) -> Response:
        """Have a worker run a packet's acceptance commands, as you."""
        wanted = validated(serializers.RunEvidenceSerializer(data=request.data), codes={})
        packet = lanes.find_packet(wanted["packet"], lane=wanted["lane"])
        runs.enqueue(packet, role=Role(wanted["role"]), actor=self.actor())
        return Response(status=status.HTTP_202_ACCEPTED)


class Record(OperatorView):
    """What one command did, with its output."""

    read_permission = "runbooks.view_evidencerecord"

    @extend_schema(responses=serializers.RecordSerializer)
    def get(self, request: Request, sequence: int) -> Response:
        record = EvidenceRecord.objects.filter(pk=sequence).first()
        if record is None:
            raise errors.RecordNotFound
        shown: dict[str, Any] = dict(serializers.RecordSerializer(record).data)
        return Response(shown | {"output": evidence.output_of(record)})

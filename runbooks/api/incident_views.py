"""The operators' API of incidents and the freeze: open while hosted mode is shut, which a playbook may do."""

from collections.abc import Callable
from typing import Any

from django.db.models import F, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from pulse import freeze, frozen
from pulse.api import validated
from pulse.problems import InvalidReason
from runbooks import actions, errors, handling, incident_reports, incidents, playbooks
from runbooks.api import incident_serializers as serializers
from runbooks.models import Incident
from tenants.api.operator_views import OperatorView
from tenants.models import User

REFUSALS = {
    "title": errors.InvalidTitle,
    "note": errors.InvalidNote,
    "severity": errors.InvalidSeverity,
    "reason": InvalidReason,
    "owner": errors.OwnerRefused,
    "organizations": errors.TooManyOrganizations,
}


class IncidentView(OperatorView):
    read_permission = "runbooks.view_incident"

    def answer(self, number: int) -> Response:
        return Response(incident_reports.detail(incidents.found(number)))


class Incidents(IncidentView, generics.ListAPIView[Incident]):
    """All incidents, those that are not resolved first."""

    serializer_class = serializers.IncidentSerializer
    filterset_fields = ("severity", "playbook", "source")
    ordering_fields = ("opened_at", "severity")
    search_fields = ("title",)

    def get_queryset(self) -> QuerySet[Incident]:
        found = Incident.objects.select_related("owner")
        return found.order_by(F("resolved_at").desc(nulls_first=True), "severity", "-pk")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args and kwargs.get("many"):
            args = ([incident_reports.summary(one) for one in args[0]],)
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        request=serializers.NewIncidentSerializer, responses={201: serializers.IncidentDetailSerializer}
    )
    def post(self, request: Request) -> Response:
        """Open one: its playbook's steps are copied, and its clocks start."""
        wanted = validated(serializers.NewIncidentSerializer(data=request.data), codes=REFUSALS)
        opened = incidents.open_by_hand(actor=self.actor(), **wanted)
        return Response(incident_reports.detail(opened), status=status.HTTP_201_CREATED)


class IncidentDetail(IncidentView):
    @extend_schema(responses=serializers.IncidentDetailSerializer)
    def get(self, request: Request, number: int) -> Response:
        """All of it: clocks as of now, steps with their commands filled in, the timeline."""
        return self.answer(number)


class Export(IncidentView):
    @extend_schema(responses=serializers.MarkdownSerializer)
    def get(self, request: Request, number: int) -> Response:
        """The incident as Markdown, for its review."""
        return Response({"markdown": incident_reports.markdown(incidents.found(number))})


class Notes(IncidentView):
    @extend_schema(request=serializers.NoteSerializer, responses=serializers.IncidentDetailSerializer)
    def post(self, request: Request, number: int) -> Response:
        """A line of the timeline, for good."""
        wanted = validated(serializers.NoteSerializer(data=request.data), codes=REFUSALS)
        handling.note(number, text=wanted["note"], actor=self.actor())
        return self.answer(number)


class ProgressView(IncidentView):
    """One of `handling.TRANSITIONS`."""

    verb: Callable[..., Incident]

    @extend_schema(request=serializers.NoteSerializer, responses=serializers.IncidentDetailSerializer)
    def post(self, request: Request, number: int) -> Response:
        wanted = validated(serializers.NoteSerializer(data=request.data), codes=REFUSALS)
        type(self).verb(number, actor=self.actor(), **wanted)
        return self.answer(number)


class Acknowledge(ProgressView):
    """Somebody works on it."""

    verb = staticmethod(handling.acknowledge)


class Contain(ProgressView):
    """It does no more harm."""

    verb = staticmethod(handling.contain)


class Resolve(ProgressView):
    """It is over; the note says what it was."""

    verb = staticmethod(handling.resolve)


class Review(ProgressView):
    """It was talked over; the note says what was learned."""

    verb = staticmethod(handling.review)


PROGRESS = {"acknowledge": Acknowledge, "contain": Contain, "resolve": Resolve, "review": Review}


class ChangeSeverity(IncidentView):
    @extend_schema(request=serializers.NewSeveritySerializer, responses=serializers.IncidentDetailSerializer)
    def put(self, request: Request, number: int) -> Response:
        """Clocks that run are set to the new severity's times."""
        wanted = validated(serializers.NewSeveritySerializer(data=request.data), codes=REFUSALS)
        handling.change_severity(number, actor=self.actor(), **wanted)
        return self.answer(number)


class SetOwner(IncidentView):
    @extend_schema(request=serializers.OwnerSerializer, responses=serializers.IncidentDetailSerializer)
    def put(self, request: Request, number: int) -> Response:
        wanted = validated(serializers.OwnerSerializer(data=request.data), codes=REFUSALS)
        owner = None
        if wanted["owner"] is not None:
            owner = User.objects.filter(public_id=wanted["owner"]).first()
            if owner is None:
                raise errors.OwnerRefused
        handling.set_owner(number, owner=owner, actor=self.actor())
        return self.answer(number)


class StepDone(IncidentView):
    @extend_schema(request=serializers.NoteSerializer, responses=serializers.IncidentDetailSerializer)
    def post(self, request: Request, number: int, step: int) -> Response:
        wanted = validated(serializers.NoteSerializer(data=request.data), codes=REFUSALS)
        handling.do_step(number, step=step, actor=self.actor(), **wanted)
        return self.answer(number)


class Run(IncidentView):
    @extend_schema(request=serializers.ActionSerializer, responses=serializers.OutcomesSerializer)
    def post(self, request: Request, number: int, action: str) -> Response:
        """Run an action; what came of it is answered, and a line of the timeline."""
        wanted = validated(serializers.ActionSerializer(data=request.data), codes=REFUSALS)
        outcomes = actions.run(number, action=action, actor=self.actor(), **wanted)
        return Response({"outcomes": outcomes})


class Playbooks(IncidentView):
    @extend_schema(responses=serializers.PlaybookListSerializer)
    def get(self, request: Request) -> Response:
        """The playbooks, the most severe first."""
        found = [
            {
                "id": one.id,
                "title": one.title,
                "severity": one.severity,
                "clocks": {name: int(time.total_seconds()) for name, time in one.clocks.items()},
                "alerts": one.alerts,
                "drills": one.drills,
                "markdown": one.body,
            }
            for one in playbooks.everything().values()
        ]
        return Response({"results": found})


class FreezeState(OperatorView):
    read_permission = "pulse.view_freeze"

    @extend_schema(responses=serializers.FreezeSerializer)
    def get(self, request: Request) -> Response:
        """Whether operators' writes are frozen, since when, by whom and why."""
        return Response(frozen.described())

    @extend_schema(request=serializers.NewFreezeSerializer, responses=serializers.FreezeSerializer)
    def put(self, request: Request) -> Response:
        """Freeze operators' writes, or lift it."""
        wanted = validated(serializers.NewFreezeSerializer(data=request.data), codes=REFUSALS)
        change = freeze.begin if wanted["frozen"] else freeze.lift
        change(actor=self.actor(), reason=wanted["reason"])
        return Response(frozen.described())

"""The routes of runbooks, by who calls them."""

from django.urls import path

from runbooks.api import drill_views, incident_views, readiness_views, webhook_views

webhooks = [path("alertmanager", webhook_views.Alertmanager.as_view(), name="alertmanager")]

readiness = [
    path("", readiness_views.Board.as_view(), name="board"),
    path("/verdicts", readiness_views.Verdicts.as_view(), name="verdicts"),
    path("/verdicts/<int:number>/revoke", readiness_views.Revoke.as_view(), name="revoke"),
    path("/evidence", readiness_views.Runs.as_view(), name="runs"),
    path("/evidence/records/<int:sequence>", readiness_views.Record.as_view(), name="record"),
]

drills = [
    path("", drill_views.Drills.as_view(), name="drills"),
    path("/runs", drill_views.DrillRuns.as_view(), name="runs"),
    path("/runs/<int:pk>", drill_views.DrillRunDetail.as_view(), name="run"),
    path("/<slug:name>/run", drill_views.Hold.as_view(), name="hold"),
]

incidents = [
    path("", incident_views.Incidents.as_view(), name="incidents"),
    path("/playbooks", incident_views.Playbooks.as_view(), name="playbooks"),
    path("/<int:number>", incident_views.IncidentDetail.as_view(), name="incident"),
    path("/<int:number>/export", incident_views.Export.as_view(), name="export"),
    path("/<int:number>/notes", incident_views.Notes.as_view(), name="notes"),
    path("/<int:number>/severity", incident_views.ChangeSeverity.as_view(), name="severity"),
    path("/<int:number>/owner", incident_views.SetOwner.as_view(), name="owner"),
    path("/<int:number>/steps/<int:step>/done", incident_views.StepDone.as_view(), name="step"),
    path("/<int:number>/actions/<slug:action>", incident_views.Run.as_view(), name="run"),
    *[
        path(f"/<int:number>/{verb}", view.as_view(), name=verb)
        for verb, view in incident_views.PROGRESS.items()
    ],
]

freeze = [path("", incident_views.FreezeState.as_view(), name="freeze")]

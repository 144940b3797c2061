"""The routes of runbooks, by who calls them."""

from django.urls import path

from runbooks.api import drill_views, readiness_views, webhook_views

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

"""Alertmanager's webhook: what fires opens an incident once, what is over is written down."""

import json

import pytest
import time_machine
from django.db import connection

from pulse import hosted_mode
from runbooks import handling
from runbooks.models import Incident
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization, member_token, operator_token
from tests.runbooks.alerts import WEBHOOK, alert, alertmanager, notification

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def sender() -> Caller:
    return alertmanager()


def lines(incident: Incident) -> list[tuple[str, str]]:
    return list(incident.entries.values_list("kind", "text"))


def test_a_firing_alert_opens_an_incident_with_its_playbook_and_severity(sender: Caller) -> None:
    answer = sender.post(WEBHOOK, notification())
    incident = Incident.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"incidents": [incident.pk]})
    assert (incident.playbook, incident.severity, incident.source) == ("p4-signup-abuse", "P4", "alert")
    assert incident.title == "PulseSignupSpike: More than 20 sign-ups within an hour: There were 31."
    assert incident.opened_by == "alertmanager"
    assert incident.steps.count() > 5


def test_the_same_notification_again_changes_nothing(sender: Caller) -> None:
    for _ in range(3):
        assert sender.post(WEBHOOK, notification()).status_code == 200
    incident = Incident.objects.get()
    assert [kind for kind, _ in lines(incident)] == ["opened", "alert"]


def test_another_alert_of_the_group_is_a_line_of_the_open_incident(sender: Caller) -> None:
    sender.post(WEBHOOK, notification())
    sender.post(WEBHOOK, notification(alert(), alert(instance="b")))
    incident = Incident.objects.get()
    assert [kind for kind, _ in lines(incident)] == ["opened", "alert", "alert"]


def test_another_group_is_another_incident(sender: Caller) -> None:
    sender.post(WEBHOOK, notification())
    sender.post(WEBHOOK, notification(group="{}:{alertname=other}"))
    assert Incident.objects.count() == 2


def test_alerts_of_one_group_with_two_playbooks_are_two_incidents(sender: Caller) -> None:
    leak = alert("Leak", severity="P1", playbook="p1-cross-tenant-leak")
    answer = sender.post(WEBHOOK, notification(alert(), leak))
    found = Incident.objects.order_by("severity")
    assert [incident.playbook for incident in found] == ["p1-cross-tenant-leak", "p4-signup-abuse"]
    assert sorted(answer.json()["incidents"]) == sorted(found.values_list("pk", flat=True))


def test_resolved_closes_nothing_and_is_a_line_of_the_timeline(sender: Caller) -> None:
    sender.post(WEBHOOK, notification())
    sender.post(WEBHOOK, notification(alert(status="resolved")))
    incident = Incident.objects.get()
    assert incident.resolved_at is None
    assert lines(incident)[-1] == (
        "alert",
        "resolved: PulseSignupSpike: More than 20 sign-ups within an hour: There were 31.",
    )


def test_resolved_after_a_person_resolved_is_still_written_down(sender: Caller) -> None:
    sender.post(WEBHOOK, notification())
    incident = Incident.objects.get()
    handling.resolve(incident.pk, note="Over.", actor=SYSTEM)
    sender.post(WEBHOOK, notification(alert(status="resolved")))
    assert lines(incident)[-1][1].startswith("resolved: ")


def test_what_fires_after_it_was_resolved_is_another_incident(sender: Caller) -> None:
    sender.post(WEBHOOK, notification())
    handling.resolve(Incident.objects.get().pk, note="Over.", actor=SYSTEM)
    sender.post(WEBHOOK, notification())
    assert [incident.resolved_at is None for incident in Incident.objects.order_by("pk")] == [False, True]


def test_resolved_of_what_nobody_opened_opens_nothing(sender: Caller) -> None:
    answer = sender.post(WEBHOOK, notification(alert(status="resolved")))
    assert answer.json() == {"incidents": []}
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("severity", "playbook"),
    [
        ("P1", "p1-cross-tenant-leak"),
        ("P2", "p2-billing-inconsistency"),
        ("P3", "p3-provisioning-failures"),
        ("P4", "p4-signup-abuse"),
    ],
)
def test_an_unknown_playbook_is_the_severitys_own(sender: Caller, severity: str, playbook: str) -> None:
    sender.post(WEBHOOK, notification(alert(severity=severity, playbook="nowhere")))
    incident = Incident.objects.get()
    assert (incident.severity, incident.playbook) == (severity, playbook)
    assert incident.entries.last().details["corrections"] == [f"The playbook nowhere is unknown: {playbook}."]


def test_an_alert_of_somebody_elses_without_our_labels_is_a_p3(sender: Caller) -> None:
    foreign = alert() | {"labels": {"alertname": "DiskFull"}, "annotations": {}}
    sender.post(WEBHOOK, notification(foreign))
    incident = Incident.objects.get()
    assert (incident.title, incident.severity) == ("DiskFull", "P3")


def test_an_alert_about_late_incidents_is_not_another_incident(sender: Caller) -> None:
    late = alert("PulseIncidentClockBreached", severity="P2") | {"annotations": {}}
    assert sender.post(WEBHOOK, notification(late)).json() == {"incidents": []}
    assert not Incident.objects.exists()


def test_the_worst_alert_gives_the_severity_and_a_worse_one_raises_it(sender: Caller) -> None:
    sender.post(WEBHOOK, notification(alert(severity="P3"), alert(severity="P2")))
    incident = Incident.objects.get()
    assert incident.severity == "P2"
    sender.post(WEBHOOK, notification(alert(severity="P1")))
    incident.refresh_from_db()
    assert incident.severity == "P1"
    assert incident.entries.last().kind == "severity"


def test_a_milder_alert_lowers_nothing(sender: Caller) -> None:
    sender.post(WEBHOOK, notification(alert(severity="P2")))
    sender.post(WEBHOOK, notification(alert(severity="P4")))
    assert Incident.objects.get().severity == "P2"


def test_an_organization_that_is_named_is_concerned_if_it_exists(sender: Caller) -> None:
    make_organization("acme")
    sender.post(WEBHOOK, notification(alert(organization="acme"), alert(organization="nobody")))
    assert Incident.objects.get().organizations == ["acme"]


def test_it_arrives_while_hosted_mode_is_shut(sender: Caller) -> None:
    hosted_mode.kill(actor=SYSTEM)
    assert sender.post(WEBHOOK, notification()).status_code == 200
    assert Incident.objects.exists()


@pytest.mark.parametrize("scopes", [["read"], ["write"], ["metrics"], ["check"]])
def test_a_token_without_the_scope_is_refused(scopes: list[str], nobody: Caller) -> None:
    nobody.token = operator_token("admin", scopes=scopes)
    assert code(nobody.post(WEBHOOK, notification())) == (403, "permission_denied")
    assert not Incident.objects.exists()


def test_nobody_and_a_made_up_token_are_refused(nobody: Caller) -> None:
    assert code(nobody.post(WEBHOOK, notification()))[0] == 403
    nobody.token = "pulse_made-up"
    assert code(nobody.post(WEBHOOK, notification()))[0] == 403


def test_a_members_token_is_refused_whatever_its_scope(nobody: Caller) -> None:
    make_organization("acme")
    nobody.token = member_token("acme", scopes=["alerts"])
    assert code(nobody.post(WEBHOOK, notification())) == (403, "permission_denied")


def test_another_token_serves_no_other_purpose(sender: Caller) -> None:
    assert code(sender.get("/api/admin/orgs")) == (403, "scope_missing")


BROKEN = {
    "a list": [],
    "another version": notification(version="3"),
    "no group": notification(group=""),
    "no alerts": notification() | {"alerts": []},
    "alerts that are none": notification() | {"alerts": ["firing"]},
    "an unknown status": notification(alert(status="pending")),
    "labels that are none": notification(alert() | {"labels": [1]}),
    "annotations that are none": notification(alert() | {"annotations": None}),
    "too many alerts": notification(*[alert(instance=str(number)) for number in range(1001)]),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_no_notification_is_refused_and_opens_nothing(sender: Caller, broken: str) -> None:
    assert code(sender.post(WEBHOOK, BROKEN[broken])) == (400, "invalid_notification")
    assert not Incident.objects.exists()


def test_a_body_over_a_mebibyte_is_refused(sender: Caller) -> None:
    huge = notification(alert(filler="x" * 1024 * 1024))
    assert code(sender.post(WEBHOOK, huge)) == (413, "body_too_large")


def test_a_large_notification_is_kept_in_few_words(sender: Caller) -> None:
    many = [alert("Many" + "x" * 600, instance=str(number)) for number in range(500)]
    assert sender.post(WEBHOOK, notification(*many, truncatedAlerts=7)).status_code == 200
    incident = Incident.objects.get()
    assert len(incident.title) == 200
    assert incident.entries.last().text.endswith("\nand 487 more")
    assert len(json.dumps(incident.entries.last().details)) < 20_000


def test_characters_that_no_line_has_are_blanked(sender: Caller) -> None:
    odd = alert() | {"annotations": {"summary": "a\x00b\nc\ud800d"}}
    assert sender.post(WEBHOOK, notification(odd, group="g\ud800")).status_code == 200
    assert Incident.objects.get().title == "PulseSignupSpike: a b c d"


def test_when_it_fired_again_is_a_line_of_its_own(sender: Caller) -> None:
    sender.post(WEBHOOK, notification())
    sender.post(WEBHOOK, notification(alert(status="resolved")))
    sender.post(WEBHOOK, notification(alert() | {"startsAt": "2026-11-25T13:00:00.000Z"}))
    told = [text.partition(":")[0] for kind, text in lines(Incident.objects.get()) if kind == "alert"]
    assert told == ["firing", "resolved", "firing"]


def test_a_clock_that_was_set_back_opens_no_second_incident(sender: Caller) -> None:
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False):
        sender.post(WEBHOOK, notification())
    with time_machine.travel("2026-11-25T09:00:00Z", tick=False):
        sender.post(WEBHOOK, notification(alert(), alert(instance="b")))
    assert Incident.objects.count() == 1


def test_a_database_that_fails_has_alertmanager_try_again(sender: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runbooks_incidentstep RENAME TO runbooks_gone")
    assert sender.post(WEBHOOK, notification()).status_code == 503
    assert not Incident.objects.exists()

"""Incidents over the operators' API: opened, worked on, told in a timeline that nobody changes."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import DatabaseError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulse import freeze, frozen, hosted_mode, outbox
from pulse.metrics import scrape_collectors
from runbooks import breaches, clocks, handling, incidents, playbooks, tasks
from runbooks.models import Incident, IncidentEntry
from tenants.models import Membership, Organization
from tests.api import Caller, code
from tests.factories import SYSTEM, acting, make_member, make_operator, make_organization, operator_token
from tests.runbooks.drill_runs import failed_run

pytestmark = pytest.mark.usefixtures("database")

INCIDENTS = "/api/admin/incidents"
OPENED = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
LEAK = {"title": "acme sees names of beta", "playbook": "p1-cross-tenant-leak"}


@pytest.fixture
def on_call() -> Caller:
    return Caller(Client(), operator_token("operator"))


@pytest.fixture
def path(on_call: Caller) -> str:
    """The address of an incident that was opened at three in the night."""
    with time_machine.travel(OPENED, tick=False):
        return f"{INCIDENTS}/{on_call.post(INCIDENTS, LEAK).json()['number']}"


def kinds(incident: dict) -> list[str]:
    return [entry["kind"] for entry in incident["timeline"]]


def clock(incident: dict, name: str) -> dict:
    return next(one for one in incident["clocks"] if one["name"] == name)


def test_opening_copies_the_playbooks_steps_and_starts_its_clocks(on_call: Caller, path: str) -> None:
    with time_machine.travel(OPENED + timedelta(minutes=5), tick=False):
        opened = on_call.get(path).json()
    assert (opened["severity"], opened["status"], opened["source"]) == ("P1", "open", "hand")
    left = {one["name"]: one["seconds_left"] for one in opened["clocks"]}
    assert left == {"acknowledge": 10 * 60, "contain": 55 * 60, "review": 48 * 3600 - 300}
    assert len(opened["steps"]) == len(playbooks.named("p1-cross-tenant-leak").steps)


def test_a_command_of_a_step_has_the_incidents_own_names(on_call: Caller) -> None:
    make_organization("acme")
    make_organization("beta")
    opened = on_call.post(INCIDENTS, LEAK | {"organizations": ["acme", "beta"]}).json()
    commands = [command for step in opened["steps"] for command in step["commands"]]
    assert "manage.py suspend acme beta --reason security_incident" in commands
    assert f"manage.py incident export {opened['number']}" in commands


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"playbook": "p9"}, "unknown_playbook"),
        ({"title": ""}, "invalid_title"),
        ({"title": "two\nlines"}, "invalid_title"),
        ({"severity": "P0"}, "invalid_severity"),
        ({"note": "bell\x07"}, "invalid_note"),
        ({"organizations": ["nobody"]}, "not_found"),
        ({"organizations": [str(number) for number in range(201)]}, "too_many_organizations"),
    ],
)
def test_what_cannot_be_opened_is_refused(on_call: Caller, changes: dict, refusal: str) -> None:
    assert code(on_call.post(INCIDENTS, LEAK | changes))[1] == refusal
    assert not Incident.objects.exists()


def test_it_is_worked_through_from_opening_to_review(on_call: Caller, path: str) -> None:
    for verb, status in [
        ("acknowledge", "acknowledged"), ("contain", "contained"),
        ("resolve", "resolved"), ("review", "reviewed"),
    ]:  # fmt: skip
        answer = on_call.post(f"{path}/{verb}", {"note": f"{verb} it"})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert kinds(answer.json()) == ["opened", "progress", "progress", "progress", "progress"]


@pytest.mark.parametrize(
    ("done", "verb", "refusal"),
    [
        (["acknowledge"], "acknowledge", "already_acknowledged"),
        (["contain"], "acknowledge", "already_acknowledged"),
        (["contain"], "contain", "already_contained"),
        (["resolve"], "acknowledge", "already_resolved"),
        (["resolve"], "contain", "already_resolved"),
        (["resolve"], "resolve", "already_resolved"),
        ([], "review", "not_resolved"),
        (["contain"], "review", "not_resolved"),
        (["resolve", "review"], "review", "already_reviewed"),
    ],
)
def test_what_the_table_of_transitions_refuses(on_call: Caller, path: str, done, verb, refusal) -> None:
    for one in done:
        on_call.post(f"{path}/{one}", {"note": "x"})
    before = on_call.get(path).json()["timeline"]
    assert code(on_call.post(f"{path}/{verb}", {"note": "x"})) == (409, refusal)
    assert on_call.get(path).json()["timeline"] == before


@pytest.mark.parametrize("verb", ["resolve", "notes"])
def test_what_must_be_told_is_asked_for(on_call: Caller, path: str, verb: str) -> None:
    assert code(on_call.post(f"{path}/{verb}", {"note": "  "})) == (400, "note_required")


def test_who_resolves_has_acknowledged_and_contained(on_call: Caller, path: str) -> None:
    resolved = on_call.post(f"{path}/resolve", {"note": "A false alarm."}).json()
    assert all(clock(resolved, name)["met_at"] for name in ("acknowledge", "contain"))


def test_who_acknowledges_owns_what_nobody_owns(path: str) -> None:
    ann = make_operator("operator")
    incident = Incident.objects.get()
    handling.acknowledge(incident.pk, actor=acting(ann))
    handling.contain(incident.pk, actor=acting(make_operator("operator")))
    assert Incident.objects.get().owner == ann


def test_an_owner_is_somebody_who_may_handle_it(on_call: Caller, path: str) -> None:
    support, colleague = make_operator("support"), make_operator("admin")
    assert code(on_call.put(f"{path}/owner", {"owner": str(support.public_id)})) == (400, "owner_refused")
    owned = on_call.put(f"{path}/owner", {"owner": str(colleague.public_id)}).json()
    assert owned["owner"] == str(colleague.public_id)
    assert on_call.put(f"{path}/owner", {"owner": None}).json()["owner"] is None


def test_a_severity_is_changed_with_a_reason_and_running_clocks_follow(on_call: Caller, path: str) -> None:
    with time_machine.travel(OPENED + timedelta(minutes=10), tick=False):
        on_call.post(f"{path}/acknowledge")
        assert code(on_call.put(f"{path}/severity", {"severity": "P2", "reason": " "})) == (
            400,
            "invalid_reason",
        )
        changed = on_call.put(f"{path}/severity", {"severity": "P2", "reason": "one name only"}).json()
    due = {one["name"]: one["due_at"] for one in changed["clocks"]}
    assert due == {"acknowledge": "2026-11-25T03:15:00Z", "resolve": "2026-11-25T07:00:00Z"}
    assert changed["timeline"][-1]["text"] == "Severity P1 became P2.\none name only"


def test_the_severity_that_it_has_and_one_of_what_is_over_are_refused(on_call: Caller, path: str) -> None:
    same = {"severity": "P1", "reason": "x"}
    assert code(on_call.put(f"{path}/severity", same)) == (409, "same_severity")
    on_call.post(f"{path}/resolve", {"note": "x"})
    assert code(on_call.put(f"{path}/severity", same | {"severity": "P2"})) == (409, "already_resolved")


def test_a_step_is_done_once(on_call: Caller, path: str) -> None:
    done = on_call.post(f"{path}/steps/2/done", {"note": "both"}).json()
    assert done["steps"][1]["done_at"] is not None
    assert done["timeline"][-1]["text"].endswith("\nboth")
    assert code(on_call.post(f"{path}/steps/2/done")) == (409, "step_done")
    assert code(on_call.post(f"{path}/steps/99/done")) == (404, "not_found")


def test_the_timeline_cannot_be_changed(path: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        IncidentEntry.objects.update(text="nothing happened")
    with pytest.raises(DatabaseError, match="append-only"):
        IncidentEntry.objects.all().delete()


def test_the_owner_of_an_incident_can_leave(on_call: Caller, path: str) -> None:
    gone = make_operator("operator")
    Incident.objects.update(owner=gone)
    gone.delete()
    assert on_call.get(path).json()["owner"] is None


def test_who_may_only_read_handles_nothing(path: str) -> None:
    reader = Caller(Client(), operator_token("support"))
    assert reader.get(path).status_code == 200
    assert code(reader.post(INCIDENTS, LEAK)) == (403, "permission_denied")
    assert code(reader.post(f"{path}/acknowledge")) == (403, "permission_denied")
    assert code(reader.post(f"{path}/actions/freeze")) == (403, "permission_denied")


def test_incidents_can_be_worked_on_while_hosted_mode_is_shut_and_writes_are_frozen(
    on_call: Caller, path: str
) -> None:
    hosted_mode.kill(actor=SYSTEM)
    freeze.begin(actor=SYSTEM, reason="leak")
    for verb in ("acknowledge", "contain", "resolve", "review"):
        assert on_call.post(f"{path}/{verb}", {"note": "x"}).status_code == 200


def test_open_ones_are_listed_first_and_an_unknown_one_is_not_found(on_call: Caller, path: str) -> None:
    on_call.post(f"{path}/resolve", {"note": "x"})
    on_call.post(INCIDENTS, LEAK | {"playbook": "p4-signup-abuse"})
    listed = on_call.get(INCIDENTS).json()["results"]
    assert [one["status"] for one in listed] == ["open", "resolved"]
    assert code(on_call.get(f"{INCIDENTS}/999")) == (404, "not_found")


def test_suspending_from_an_incident_names_its_reason_and_is_told(on_call: Caller, path: str) -> None:
    make_organization("acme")
    make_organization("beta", email="b@example.com")
    on_call.post("/api/admin/orgs/beta/suspend")
    freeze.begin(actor=SYSTEM, reason="leak")
    answer = on_call.post(f"{path}/actions/suspend", {"organizations": ["acme", "beta"]})
    assert answer.json()["outcomes"] == {
        "acme": "suspended",
        "beta": "already_suspended: The organization is suspended already.",
    }
    assert Organization.objects.get(id="acme").suspend_reason == "security_incident"
    told = on_call.get(path).json()
    assert told["organizations"] == ["acme", "beta"]
    assert told["timeline"][-1]["details"]["outcomes"]["acme"] == "suspended"


def test_isolation_is_verified_and_a_stranger_is_found(on_call: Caller, path: str) -> None:
    make_organization("acme")
    stranger = make_member("acme", roles=["viewer"])
    run = f"{path}/actions/verify_isolation"
    whole = on_call.post(run, {"organizations": ["acme"]}).json()
    assert whole["outcomes"] == {"acme": "whole and without strangers"}
    Membership.objects.filter(user=stranger).delete()
    found = on_call.post(run).json()["outcomes"]["acme"]
    assert found == f"rbac: {stranger.public_id} has roles and is not a member"


def test_billing_is_derived_anew_also_while_frozen(on_call: Caller, path: str) -> None:
    make_organization("acme")
    Organization.objects.filter(id="acme").update(entitlement_timeline="[]")
    freeze.begin(actor=SYSTEM, reason="leak")
    answer = on_call.post(f"{path}/actions/refresh_billing", {"organizations": ["acme"]})
    assert answer.json()["outcomes"] == {"acme": "derived anew"}
    assert Organization.objects.get(id="acme").entitlement_timeline != "[]"


def test_writes_are_frozen_and_lifted_from_an_incident(on_call: Caller, path: str) -> None:
    assert on_call.post(f"{path}/actions/freeze").json()["outcomes"] == {"pulse": "frozen"}
    assert frozen.in_force().reason == str(Incident.objects.get())
    again = on_call.post(f"{path}/actions/freeze").json()["outcomes"]["pulse"]
    assert again.startswith("already_frozen")
    assert on_call.post(f"{path}/actions/lift_freeze").json()["outcomes"] == {"pulse": "lifted"}


def test_an_action_needs_organizations_and_a_name(on_call: Caller, path: str) -> None:
    assert code(on_call.post(f"{path}/actions/suspend")) == (400, "organizations_required")
    assert code(on_call.post(f"{path}/actions/dance")) == (400, "unknown_action")


def test_a_failed_drill_opens_one_incident_however_often_it_fails() -> None:
    first = incidents.open_from_drill(
        failed_run("gate-closing"), actor=SYSTEM, detail="expected 404, saw 200"
    )
    again = incidents.open_from_drill(failed_run("gate-closing"), actor=SYSTEM)
    assert first.pk == again.pk
    assert first.entries.count() == 2
    assert "expected 404, saw 200" in first.entries.first().text


def test_the_export_is_markdown_in_which_nobodys_words_are_markup(on_call: Caller, path: str) -> None:
    on_call.post(f"{path}/notes", {"note": "<script>alert(1)</script> **bold**\nsecond line"})
    text = on_call.get(f"{path}/export").json()["markdown"]
    assert "\\<script\\>alert(1)\\</script\\> \\*\\*bold\\*\\*" in text
    assert "- [ ] 1. Freeze operators' writes" in text
    assert "| acknowledge | 2026-11-25 03:15:00 |" in text


def mails() -> list[str]:
    outbox.deliver()
    return [one.subject for one in mail.outbox]


def test_opening_is_mailed_to_whoever_may_handle_it(path: str) -> None:
    make_operator("support")
    assert mails() == ["[P1] INC-1 was opened"]
    assert mail.outbox[0].body.count("/admin/runbooks/incident/") == 1


def test_a_clock_that_runs_out_is_told_and_mailed_once(on_call: Caller, path: str) -> None:
    mails()
    mail.outbox.clear()
    late = OPENED + timedelta(minutes=16)
    assert breaches.tell(now=OPENED + timedelta(minutes=15)) == []
    assert breaches.tell(now=late) == ["INC-1 acknowledge"]
    assert breaches.tell(now=late + timedelta(hours=1)) == ["INC-1 contain"]
    assert tasks.watch_incident_clocks.func() in (["INC-1 review"], [])
    told = [subject for subject in mails() if "in time" in subject]
    assert told[:2] == ["[P1] INC-1 was not acknowledged in time", "[P1] INC-1 was not contained in time"]
    assert kinds(on_call.get(path).json())[:3] == ["opened", "breach", "breach"]


def test_a_clock_that_was_set_forward_and_back_tells_once(path: str) -> None:
    late = OPENED + timedelta(minutes=20)
    assert breaches.tell(now=late) == ["INC-1 acknowledge"]
    assert breaches.tell(now=OPENED) == []
    assert breaches.tell(now=late) == []


def test_a_clock_that_was_met_is_not_told(on_call: Caller, path: str) -> None:
    with time_machine.travel(OPENED + timedelta(minutes=1), tick=False):
        on_call.post(f"{path}/resolve", {"note": "x"})
    assert breaches.tell(now=OPENED + timedelta(hours=3)) == []
    assert breaches.tell(now=OPENED + timedelta(hours=49)) == ["INC-1 review"]


def samples() -> dict[tuple[str, str], float]:
    found = [sample for one in scrape_collectors for family in one.collect() for sample in family.samples]
    return {
        (sample.name, next(iter(sample.labels.values()))): sample.value
        for sample in found
        if sample.name.startswith("pulse_incident")
    }


def test_open_incidents_and_clocks_that_ran_out_are_metrics(on_call: Caller, path: str) -> None:
    with time_machine.travel(OPENED + timedelta(minutes=20), tick=False):
        counted = samples()
        assert counted["pulse_incidents_open", "P1"] == 1
        assert counted["pulse_incidents_open", "P4"] == 0
        assert counted["pulse_incident_clock_breaches", "acknowledge"] == 1
        assert counted["pulse_incident_clock_breaches", "contain"] == 0
        on_call.post(f"{path}/acknowledge")
        assert samples()["pulse_incident_clock_breaches", "acknowledge"] == 0


INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(severity=st.sampled_from(["P1", "P2", "P3", "P4"]), opened=INSTANTS, met=INSTANTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_machines_clock_does_a_clock_is_met_after_the_opening(severity, opened, met) -> None:
    incident = Incident(playbook="p1-cross-tenant-leak", severity=severity, opened_at=opened)
    clocks.start(incident)
    before = {one.name: one.due_at for one in clocks.of(incident)}
    with time_machine.travel(met, tick=False):
        clocks.meet(incident, clocks.FIELDS)
    for one in clocks.of(incident):
        assert one.due_at == before[one.name] > opened
        assert one.met_at >= opened
        assert one.was_late == (met > one.due_at)
        assert not one.has_run_out(met + timedelta(days=9999))

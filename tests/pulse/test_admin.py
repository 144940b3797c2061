"""The admin's pages of the ground floor: the audit log, hosted mode, schedules, job runs, the header."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from pulse import audit, hosted_mode, schedules
from pulse.actors import from_user
from pulse.models import AuditEvent, KillSwitch, Schedule
from pulse.problems import PermissionRefused
from tenants.models import User
from tests.admin import GROUPS, said, signed_in, text, who_may_open, who_may_post
from tests.factories import SYSTEM, acting, make_operator
from tests.pulse import chain

pytestmark = pytest.mark.usefixtures("database")

AUDIT = "/admin/pulse/auditevent/"
MODE = "/admin/pulse/killswitch/"
SCHEDULES = "/admin/pulse/schedule/"
RUNS = "/admin/django_tasks_database/dbtaskresult/"
ALL = set(GROUPS)


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin", email="ada@pulse.example")


def of_schedule(name: str, form: str) -> str:
    return f"{SCHEDULES}{Schedule.objects.get(name=name).pk}/{form}/"


@pytest.mark.parametrize("path", [AUDIT, f"{AUDIT}verify/", f"{AUDIT}1/change/", MODE, SCHEDULES, RUNS])
def test_every_operator_reads(path: str) -> None:
    chain.write(1)
    assert who_may_open(path) == ALL


@pytest.mark.parametrize("path", [AUDIT, MODE, SCHEDULES, RUNS])
def test_nobody_adds_or_posts_to_a_list_but_admins_schedules(path: str) -> None:
    assert who_may_open(f"{path}add/") == ({"admin"} if path == SCHEDULES else set())
    assert who_may_post(path) == set()


def test_an_operator_of_no_group_reads_nothing() -> None:
    outsider = make_operator("support")
    outsider.groups.clear()
    client = Client()
    client.force_login(outsider)
    pages = [AUDIT, f"{AUDIT}verify/", MODE, SCHEDULES, RUNS, "/admin/tenants/organization/"]
    assert [client.get(page).status_code for page in pages] == [403] * len(pages)
    assert "You are in no group of operators" in text(client.get("/admin/"))


@pytest.mark.parametrize("form", ["kill", "revive"])
def test_operators_and_admins_flip_the_kill_switch(form: str) -> None:
    assert who_may_open(f"{MODE}{form}/") == {"operator", "admin"}
    assert who_may_post(f"{MODE}{form}/") == {"operator", "admin"}


@pytest.mark.parametrize("form", ["run", "pause", "resume"])
def test_only_admins_change_schedules(form: str) -> None:
    assert who_may_open(of_schedule("tidy", form)) == {"admin"}
    assert who_may_post(of_schedule("tidy", form)) == {"admin"}


def test_a_forged_kill_by_support_changes_nothing() -> None:
    assert signed_in("support").post(f"{MODE}kill/", {"reason": "spite"}).status_code == 403
    assert not hosted_mode.is_killed()


def test_the_switch_shuts_hosted_routes_and_opens_them_again(admin: Client) -> None:
    answer = admin.post(f"{MODE}kill/", {"reason": "leak"})
    assert (answer["Location"], said(answer)) == (MODE, ["Hosted mode is shut."])
    assert Client().get("/api/admin/orgs").status_code == 404
    seen = text(admin.get(MODE))
    assert "Hosted mode is shut" in seen
    assert "the kill switch is on" in seen
    assert "leak" in seen
    assert said(admin.post(f"{MODE}revive/", {})) == ["Hosted mode is open."]
    assert Client().get("/api/admin/orgs").status_code == 401


def test_the_page_names_every_reason(admin: Client, settings) -> None:
    settings.PULSE_HOSTED_MODE = "TRUE"
    settings.PULSE_STAGE = "ga"
    hosted_mode.kill(actor=SYSTEM)
    seen = text(admin.get(MODE))
    assert [reason for reason in hosted_mode.state().reasons if reason not in seen] == []


def test_reopening_tells_what_keeps_it_shut(admin: Client, settings) -> None:
    settings.PULSE_HOSTED_MODE = ""
    hosted_mode.kill(actor=SYSTEM)
    seen = text(admin.get(f"{MODE}revive/"))
    assert "stays shut: PULSE_HOSTED_MODE is not the word true." in seen
    assert said(admin.post(f"{MODE}revive/", {})) == ["The kill switch is off."]


def test_killing_asks_for_a_reason(admin: Client) -> None:
    assert "This field is required." in text(admin.post(f"{MODE}kill/", {"reason": " "}))
    assert not hosted_mode.is_killed()


def test_killing_twice_says_so(admin: Client) -> None:
    hosted_mode.kill(actor=SYSTEM)
    assert "The kill switch is on already." in text(admin.get(f"{MODE}kill/"))


def test_a_dialog_is_the_form_alone(admin: Client) -> None:
    seen = text(admin.get(f"{MODE}kill/", headers={"HX-Request": "true"}))
    assert 'id="dialog-form"' in seen
    assert "<html" not in seen


def test_a_dialog_is_told_where_to_go_by_a_header(admin: Client) -> None:
    answer = admin.post(f"{MODE}kill/", {"reason": "leak"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, MODE)


def test_the_header_links_the_gates_state_to_its_page(admin: Client) -> None:
    assert "gate open" in text(admin.get(AUDIT))
    hosted_mode.kill(actor=SYSTEM)
    seen = text(admin.get(AUDIT))
    assert f'a href="{MODE}"' in seen
    assert "gate shut" in seen


def test_the_pages_survive_a_gate_that_cannot_be_read(admin: Client) -> None:
    chain.sql(f"DROP TABLE {KillSwitch._meta.db_table}")
    answer = admin.get(AUDIT)
    assert (answer.status_code, "gate unknown" in text(answer)) == (200, True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"one.first", "one.second", "two.first"}),
        ({"verb": "one.first"}, {"one.first"}),
        ({"door": "admin"}, {"two.first"}),
        ({"door": "job"}, {"one.first", "one.second"}),
        ({"organization": "blue"}, {"one.second"}),
        ({"organization": "blu"}, set()),
        ({"actor": "ada@pulse.example"}, {"two.first"}),
        ({"actor": "job:test"}, {"one.first", "one.second"}),
        ({"q": "request-7"}, {"two.first"}),
        ({"at_from": "2024-05-07"}, {"two.first"}),
        ({"at_to": "2024-05-06"}, {"one.first", "one.second"}),
        ({"at_to": "9999-12-31"}, {"one.first", "one.second", "two.first"}),
        ({"at_from": "0001-01-01"}, {"one.first", "one.second", "two.first"}),
        ({"at_from": "9999-12-31"}, set()),
    ],
)
def test_the_log_is_filtered(query: dict[str, str], found: set[str], admin: Client) -> None:
    ada = User.objects.get(email="ada@pulse.example")
    with time_machine.travel("2024-05-06T23:59:00Z"):
        audit.record("one.first", actor=SYSTEM, organization="acme")
        audit.record("one.second", actor=SYSTEM, organization="blue")
    audit.record("two.first", actor=from_user(ada, door="admin", request_id="request-7"))
    events = admin.get(AUDIT, query).context["cl"].result_list
    assert {event.verb for event in events} == found


def test_an_event_shows_what_changed_and_who_did_it(admin: Client) -> None:
    hosted_mode.kill(actor=SYSTEM, reason="leak")
    seen = text(admin.get(f"{AUDIT}1/change/"))
    assert "<del>no</del>" in seen
    assert "<ins>yes</ins>" in seen
    assert "job:test" in seen


@pytest.mark.parametrize("name", ["0/change", "99/change", "word/change"])
def test_an_unknown_event_is_not_found(name: str, admin: Client) -> None:
    assert admin.get(f"{AUDIT}{name}/").status_code == 404


def test_no_event_is_changed_or_deleted(admin: Client) -> None:
    chain.write(1)
    assert admin.post(f"{AUDIT}1/change/", {"verb": "forged"}).status_code == 403
    assert admin.post(f"{AUDIT}1/delete/", {"post": "yes"}).status_code == 403
    assert AuditEvent.objects.get().verb == "test.event1"


def test_verifying_tells_that_the_chain_holds(admin: Client) -> None:
    chain.write(3)
    seen = text(admin.get(f"{AUDIT}verify/"))
    assert "The chain holds" in seen
    assert "#3" in seen


def test_verifying_names_the_first_broken_event(admin: Client) -> None:
    chain.write(3)
    chain.drop_triggers()
    chain.set_column("reason", "forged", sequence=2)
    assert "The chain is broken at event #2" in text(admin.get(f"{AUDIT}verify/"))


@pytest.mark.parametrize("verb", [schedules.pause, schedules.resume, schedules.run_now])
def test_a_schedules_verb_itself_refuses_who_may_not(verb: Callable[..., Schedule]) -> None:
    with pytest.raises(PermissionRefused):
        verb("tidy", actor=acting(make_operator("operator")))


def test_a_schedule_is_paused_and_resumed(admin: Client) -> None:
    (message,) = said(admin.post(of_schedule("tidy", "pause"), {"reason": "disk full"}))
    assert message.startswith("tidy is paused.")
    assert f'href="{of_schedule("tidy", "resume")}"' in message
    assert not Schedule.objects.get(name="tidy").enabled
    assert AuditEvent.objects.get(verb="schedule.pause").reason == "disk full"
    admin.post(of_schedule("tidy", "resume"), {})
    assert Schedule.objects.get(name="tidy").enabled


def test_a_resumed_schedule_does_not_catch_up(admin: Client) -> None:
    admin.post(of_schedule("tidy", "pause"), {})
    Schedule.objects.filter(name="tidy").update(next_run_at=timezone.now() - timedelta(days=3))
    admin.post(of_schedule("tidy", "resume"), {})
    assert Schedule.objects.get(name="tidy").next_run_at > timezone.now()


def test_running_a_schedule_now_puts_its_job_into_the_queue(admin: Client) -> None:
    planned = Schedule.objects.get(name="tidy").next_run_at
    assert said(admin.post(of_schedule("tidy", "run"), {})) == ["tidy is in the queue."]
    assert DBTaskResult.objects.get().task_path == "pulse.tasks.tidy"
    schedule = Schedule.objects.get(name="tidy")
    assert (schedule.next_run_at, schedule.last_run_at is not None) == (planned, True)
    assert "pulse.tasks.tidy" in text(admin.get(RUNS))


def test_running_a_schedule_whose_job_is_gone_says_so(admin: Client) -> None:
    Schedule.objects.filter(name="tidy").update(task="pulse.tasks.gone")
    assert "There is no such job any more." in text(admin.post(of_schedule("tidy", "run"), {}))
    assert "There is no such job any more." in text(admin.get(SCHEDULES))


def test_a_failed_run_shows_its_traceback(admin: Client) -> None:
    admin.post(of_schedule("tidy", "run"), {})
    run = DBTaskResult.objects.get()
    run.set_failed(ValueError("the disk is full"))
    seen = text(admin.get(f"{RUNS}{run.pk}/change/"))
    assert "failed" in seen
    assert "the disk is full" in seen


def test_what_was_typed_is_shown_as_text(admin: Client) -> None:
    audit.record(
        "test.event", actor=SYSTEM, after={"name": "<script>alert(1)</script>"}, reason="<b>bold</b>"
    )
    seen = text(admin.get("/admin/")) + text(admin.get(AUDIT)) + text(admin.get(f"{AUDIT}1/change/"))
    assert "<script>alert(1)" not in seen
    assert "<b>bold" not in seen


def test_the_sidebar_leads_nowhere_that_refuses() -> None:
    for group in GROUPS:
        client = signed_in(group)
        links = [
            item["link"]
            for section in client.get("/admin/").context["sidebar_navigation"]
            for item in section["items"]
        ]
        assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize(
    ("path", "active"),
    [
        ("/admin/", "Overview"),
        ("/admin/runbooks/incident/", "Incidents"),
        ("/admin/runbooks/incident/playbooks/", "Playbooks"),
        ("/admin/runbooks/incident/open/", "Incidents"),
    ],
)
def test_the_sidebar_shows_the_one_place_where_one_is(path: str, active: str) -> None:
    sections = signed_in("admin").get(path).context["sidebar_navigation"]
    shown = [item["title"] for section in sections for item in section["items"] if item["active"]]
    assert shown == [active]


def test_signing_in_leads_to_the_first_page() -> None:
    person = make_operator("support")
    person.set_password("a long enough password")
    person.save()
    sent = {"login": person.email.upper(), "password": "a long enough password"}
    assert Client().post("/account/login/", sent)["Location"] == "/admin/"

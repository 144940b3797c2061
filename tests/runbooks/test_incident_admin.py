"""The place where one works on an incident: its page, its forms, and the playbooks beside it."""

import pytest
from django.test import Client

from pulse import frozen
from runbooks import incidents
from runbooks.models import Incident
from tenants.models import Organization, Status
from tests.admin import said, signed_in, text, who_may_open
from tests.factories import SYSTEM, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/runbooks/incident/"


@pytest.fixture
def on_call() -> Client:
    return signed_in("operator")


@pytest.fixture
def page() -> str:
    make_organization("acme")
    opened = incidents.open_by_hand(
        title="acme sees <b>names</b>", playbook="p1-cross-tenant-leak", organizations=["acme"], actor=SYSTEM
    )
    return f"{LIST}{opened.pk}/"


def test_one_is_opened_by_a_form(on_call: Client) -> None:
    answer = on_call.post(
        f"{LIST}open/",
        {"title": "Who are they?", "playbook": "p4-signup-abuse", "severity": "P2", "organizations": ""},
    )
    incident = Incident.objects.get()
    assert said(answer) == [f"{incident.name} is open."]
    assert (incident.severity, incident.playbook) == ("P2", "p4-signup-abuse")


def test_the_form_says_which_organization_is_unknown(on_call: Client) -> None:
    wanted = {"title": "x", "playbook": "p4-signup-abuse", "organizations": "nobody"}
    assert "There is no such organization" in text(on_call.post(f"{LIST}open/", wanted))
    assert not Incident.objects.exists()


def test_the_page_shows_clocks_steps_and_timeline_escaped(on_call: Client, page: str) -> None:
    shown = text(on_call.get(f"{page}change/"))
    assert "min left" in shown
    assert "manage.py suspend acme --reason security_incident" in shown
    assert "Opened as P1" in shown
    assert "<b>names</b>" not in shown
    assert "<script>" not in shown.partition('id="content"')[2]


def test_the_clocks_are_asked_for_again_and_again(on_call: Client, page: str) -> None:
    assert f'hx-get="{page}clocks/" hx-trigger="every 15s"' in text(on_call.get(f"{page}change/"))
    part = text(on_call.get(f"{page}clocks/"))
    assert "Acknowledged" in part
    assert "<html" not in part


def test_it_is_worked_through_by_its_buttons(on_call: Client, page: str) -> None:
    for verb in ("acknowledge", "contain", "resolve", "review"):
        assert f"{page}{verb}/" in text(on_call.get(f"{page}change/"))
        assert on_call.post(f"{page}{verb}/", {"note": "so it is"}).status_code == 302
        assert f"{page}{verb}/" not in text(on_call.get(f"{page}change/"))


def test_a_refusal_stands_above_the_form(on_call: Client, page: str) -> None:
    on_call.post(f"{page}acknowledge/", {})
    assert "acknowledged already" in text(on_call.post(f"{page}acknowledge/", {}))


def test_a_note_is_written_on_the_page(on_call: Client, page: str) -> None:
    on_call.post(f"{page}note/", {"note": "first line\nsecond line"})
    assert "first line<br>second line" in text(on_call.get(f"{page}change/"))


def test_a_steps_button_runs_and_marks_it_as_done(on_call: Client, page: str) -> None:
    steps = Incident.objects.get().steps
    step = steps.get(button="suspend")
    run = f"{page}run/suspend/?step={step.number}"
    assert run in text(on_call.get(f"{page}change/"))
    assert said(on_call.post(run, {"organizations": "acme"})) == ["acme: suspended"]
    assert Organization.objects.get(id="acme").status == Status.SUSPENDED
    assert steps.get(button="suspend").done_at is not None


def test_a_step_is_marked_as_done(on_call: Client, page: str) -> None:
    on_call.post(f"{page}step/3/", {"note": "not needed"})
    assert "not needed" in text(on_call.get(f"{page}change/"))
    assert on_call.get(f"{page}step/99/").status_code == 404


def test_freezing_takes_no_organizations(on_call: Client, page: str) -> None:
    assert said(on_call.post(f"{page}run/freeze/", {})) == ["pulse: frozen"]
    assert frozen.is_frozen()
    assert on_call.get(f"{page}run/dance/").status_code == 404


def seen(client: Client, form: str) -> dict[str, str]:
    """The version that the form carries."""
    return {"seen": client.get(form).context["form"]["seen"].value()}


def test_severity_and_owner_are_changed(on_call: Client, page: str) -> None:
    severity, owning = f"{page}severity/", f"{page}owner/"
    on_call.post(severity, seen(on_call, severity) | {"severity": "P2", "reason": "one name"})
    owner = Incident.objects.get().owner_id
    mine = int(on_call.session["_auth_user_id"])
    on_call.post(owning, seen(on_call, owning) | {"owner": mine})
    incident = Incident.objects.get()
    assert (owner, incident.owner_id, incident.severity) == (None, mine, "P2")


def test_of_two_on_one_incident_the_second_is_told_and_loses_nothing_typed(page: str) -> None:
    bob = make_operator("operator")
    sent = {"severity/": {"severity": "P3", "reason": "a false alarm"}, "owner/": {"owner": str(bob.pk)}}
    second = signed_in("operator")
    for form, typed in sent.items():
        typed |= seen(second, page + form)
    first, severity = signed_in("operator", email="ada@pulse.example"), f"{page}severity/"
    first.post(severity, seen(first, severity) | {"severity": "P2", "reason": "one name"})
    first.post(f"{page}acknowledge/", {})  # By which it is theirs.

    for form, now in (("severity/", "It is P2 now."), ("owner/", "Its owner is ada@pulse.example now.")):
        typed = sent[form]
        answer = second.post(page + form, typed)

        assert "Changed by ada@pulse.example" in text(answer)
        assert now in text(answer)
        shown = {name: answer.context["form"][name].value() for name in typed}
        assert shown | {"seen": typed["seen"]} == typed
        assert second.post(page + form, shown).status_code == 302
    incident = Incident.objects.get()
    assert (incident.severity, incident.owner) == ("P3", bob)


def test_the_export_is_a_file(on_call: Client, page: str) -> None:
    answer = on_call.get(f"{page}export/")
    assert answer["Content-Disposition"].endswith('.md"')
    assert text(answer).startswith("# INC-")


def test_open_ones_are_listed_first_with_their_next_clock(on_call: Client, page: str) -> None:
    on_call.post(f"{page}resolve/", {"note": "over"})
    incidents.open_by_hand(title="A later one", playbook="p4-signup-abuse", actor=SYSTEM)
    shown = text(on_call.get(LIST))
    assert shown.index("A later one") < shown.index("acme sees")
    assert "acknowledge: 3 h 59 min left" in shown


def test_playbooks_are_rendered(on_call: Client) -> None:
    assert "Cross-tenant leak" in text(on_call.get(f"{LIST}playbooks/"))
    shown = text(on_call.get(f"{LIST}playbooks/p1-cross-tenant-leak/"))
    assert "<h2>Immediate actions</h2>" in shown
    assert on_call.get(f"{LIST}playbooks/p9/").status_code == 404


def test_readers_look_and_handlers_handle(page: str) -> None:
    assert who_may_open(f"{page}change/") == {"support", "operator", "billing", "admin"}
    assert who_may_open(f"{page}acknowledge/") == {"operator", "admin"}


def test_the_first_page_tells_of_open_ones(on_call: Client, page: str) -> None:
    assert "P1 INC-1:" in text(on_call.get("/admin/"))
    on_call.post(f"{page}resolve/", {"note": "over"})
    assert "P1 INC-1:" not in text(on_call.get("/admin/"))

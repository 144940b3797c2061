"""An organization's timeline, what is offered after a change and before the next, and who came first."""

import csv
import io

import pytest
from django.test import Client

from billing.models import Override
from pulse import outbox
from rbac import backups
from tenants import lifecycle, tasks
from tests.admin import said, signed_in, text, who_may_open
from tests.factories import SYSTEM, acting, make_member, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/tenants/organization/"
TIMELINE = f"{LIST}acme/timeline/"


@pytest.fixture
def admin(database: None) -> Client:
    make_organization("acme")
    return signed_in("admin")


def test_every_operator_reads_it() -> None:
    make_organization("acme")
    assert who_may_open(TIMELINE) == {"support", "operator", "billing", "admin"}


def test_it_is_one_stream_of_all_parts(admin: Client) -> None:
    make_member("acme", roles=["viewer"])
    backups.make("acme", actor=SYSTEM)
    lifecycle.suspend("acme", actor=SYSTEM, reason="leak")
    seen = text(admin.get(TIMELINE))
    for verb in ("organization.provision", "roles.assign", "database.backup", "organization.suspend"):
        assert f"<code>{verb}</code>" in seen


def test_it_tells_of_the_mails_and_to_whom(admin: Client) -> None:
    lifecycle.suspend("acme", actor=SYSTEM)
    tasks.mail_owners.call("acme", "suspend")
    outbox.deliver()
    seen = text(admin.get(f"{TIMELINE}?part=mail"))
    assert "<code>mail.sent</code>" in seen
    assert all(words in seen for words in ("lifecycle/suspend", "owner@acme.example"))


@pytest.mark.parametrize(("part", "shown"), [("lifecycle", True), ("data", False), ("nonsense", True)])
def test_it_is_filtered_by_part(part: str, shown: bool, admin: Client) -> None:
    backups.make("acme", actor=SYSTEM)
    lifecycle.suspend("acme", actor=SYSTEM)
    assert ("<code>organization.suspend</code>" in text(admin.get(f"{TIMELINE}?part={part}"))) == shown


def test_its_export_has_the_same_filter(admin: Client) -> None:
    make_organization("blue")
    backups.make("acme", actor=SYSTEM)
    page = text(admin.get(f"{TIMELINE}?part=data"))
    export = "/admin/pulse/auditevent/export/?organization=acme&part=data"
    assert export.replace("&", "&amp;") in page
    answer = admin.post(export, {"kind": "csv"})
    rows = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline=""))
    assert {(row["organization"], row["verb"]) for row in rows} == {("acme", "database.backup")}


@pytest.mark.parametrize(("verb", "undo"), [("suspend", "unsuspend"), ("soft_delete", "restore")])
def test_a_success_offers_the_way_back(verb: str, undo: str, admin: Client) -> None:
    answer = admin.post(f"{LIST}acme/{verb}/", {"reason": "leak", "typed_id": "acme", "retention_days": "30"})
    assert f'href="{LIST}acme/{undo}/"' in said(answer)[0]


def test_an_override_offers_to_be_revoked(admin: Client) -> None:
    answer = admin.post(f"{LIST}acme/billing/extend_trial/", {"reason": "asked", "until": "2999-01-02T03:04"})
    assert f"/billing/override/{Override.objects.get().pk}/revoke/" in said(answer)[0]


def test_the_operators_own_last_reasons_are_offered(admin: Client) -> None:
    lifecycle.suspend("acme", actor=acting(make_operator("admin")), reason="another's reason")
    admin.post(f"{LIST}acme/unsuspend/", {"reason": "paid & thanked"})
    seen = text(admin.get(f"{LIST}acme/suspend/"))
    assert 'data-reason="paid &amp; thanked"' in seen
    assert "another's reason" not in seen.split("pulse-reasons")[1]


def test_the_second_of_two_operators_is_told_of_the_first(admin: Client) -> None:
    first = make_operator("admin", email="grace@pulse.example")
    lifecycle.suspend("acme", actor=acting(first), reason="phishing")
    seen = text(admin.post(f"{LIST}acme/suspend/", {"reason": "a long story that was typed"}))
    assert "The organization is suspended already." in seen
    assert "organization.suspend by grace@pulse.example, just now: phishing" in seen
    assert "a long story that was typed" in seen

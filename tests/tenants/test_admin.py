"""The admin's pages of organizations."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pulse.models import AuditEvent
from tenants import bulk, lifecycle
from tenants.models import DEFAULT_ORGANIZATION, Organization, Status
from tests.admin import GROUPS, said, signed_in, text, who_may_open, who_may_post
from tests.factories import SYSTEM, make_member, make_organization

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/tenants/organization/"
ALL = set(GROUPS)
OPERATORS = {"operator", "admin"}


def page(organization_id: str) -> str:
    return f"{LIST}{organization_id}/change/"


def form(organization_id: str, name: str) -> str:
    return f"{LIST}{organization_id}/{name}/"


def status_of(organization_id: str) -> str:
    return Organization.objects.get(id=organization_id).status


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin")


@pytest.fixture
def overdue(database: None) -> Organization:
    """Past its retention."""
    make_organization("gone")
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        return lifecycle.soft_delete("gone", actor=SYSTEM, retention_days=30)


FORMS = [
    (f"{LIST}add/", OPERATORS),
    (form("acme", "suspend"), OPERATORS),
    (form("acme", "unsuspend"), OPERATORS),
    (form("acme", "soft_delete"), OPERATORS),
    (form("acme", "restore"), OPERATORS),
    (form("acme", "rename"), OPERATORS),
    (form("acme", "export"), OPERATORS),
    (form("acme", "purge"), {"admin"}),
    (form("acme", "delete"), set()),
]


@pytest.mark.parametrize(
    ("path", "groups"),
    [*FORMS, ("/admin/", ALL), (LIST, ALL), (page("acme"), ALL), (form("acme", "verify"), ALL)],
)
def test_a_page_opens_to_the_groups_that_may_use_it(path: str, groups: set[str]) -> None:
    make_organization("acme")
    assert who_may_open(path) == groups


@pytest.mark.parametrize(
    ("path", "groups"),
    [*FORMS, (page("acme"), set()), (f"{LIST}bulk/suspend/selected/", OPERATORS)],
)
def test_a_forged_post_is_refused_to_all_other_groups(path: str, groups: set[str]) -> None:
    make_organization("acme")
    assert who_may_post(path) == groups


def test_a_forged_suspension_by_support_changes_nothing() -> None:
    make_organization("acme")
    answer = signed_in("support").post(form("acme", "suspend"), {"reason": "spite"})
    assert (answer.status_code, status_of("acme")) == (403, "active")


def test_a_forged_bulk_action_by_support_does_nothing() -> None:
    make_organization("acme")
    support = signed_in("support")
    support.post(LIST, {"action": "suspend", "_selected_action": ["acme"], "reason": "spite"})
    sent = {"ids": "acme", "reason": "spite"}
    assert support.post(f"{LIST}bulk/suspend/selected/", sent).status_code == 403
    bulk.proceed()
    assert status_of("acme") == "active"


def test_who_is_no_operator_is_sent_to_sign_in() -> None:
    make_organization("acme")
    client = Client()
    client.force_login(make_member("acme"))
    answer = client.get(LIST)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


def test_support_sees_no_buttons() -> None:
    make_organization("acme")
    seen = text(signed_in("support").get(page("acme")))
    assert form("acme", "verify") in seen
    assert not [name for name in ("suspend", "soft_delete", "rename", "export") if form("acme", name) in seen]


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("active", {"suspend", "soft_delete"}),
        ("suspended", {"unsuspend", "soft_delete"}),
        ("pending_deletion", {"restore"}),
        ("overdue", {"restore", "purge"}),
        ("purged", set()),
    ],
)
def test_only_the_verbs_that_the_table_allows_have_a_button(
    state: str, offered: set[str], admin: Client
) -> None:
    make_organization("acme")
    if state == "suspended":
        lifecycle.suspend("acme", actor=SYSTEM)
    if state in ("pending_deletion", "overdue", "purged"):
        lifecycle.soft_delete("acme", actor=SYSTEM, retention_days=5)
    with time_machine.travel(timezone.now() + timedelta(days=6 if state in ("overdue", "purged") else 0)):
        if state == "purged":
            lifecycle.purge("acme", actor=SYSTEM)
        seen = text(admin.get(page("acme")))
    assert {verb for verb in lifecycle.TRANSITIONS if f'href="{form("acme", verb)}"' in seen} == offered


def test_the_default_organization_offers_no_suspension_and_no_deletion(admin: Client) -> None:
    seen = text(admin.get(page(DEFAULT_ORGANIZATION)))
    assert not [verb for verb in lifecycle.TRANSITIONS if f"{DEFAULT_ORGANIZATION}/{verb}/" in seen]


def test_a_forged_suspension_of_the_default_organization_is_refused_in_words(admin: Client) -> None:
    answer = admin.post(form(DEFAULT_ORGANIZATION, "suspend"), {"reason": "spite"})
    assert "The default organization cannot be suspended" in text(answer)


def test_suspending_says_so_and_keeps_reason_actor_and_door() -> None:
    make_organization("acme")
    client = signed_in("operator", email="olga@pulse.example")
    answer = client.post(form("acme", "suspend"), {"reason": "unpaid\r\nsince May"})
    assert answer["Location"] == page("acme")
    assert said(answer)[0].startswith("acme is suspended.")
    event = AuditEvent.objects.get(verb="organization.suspend")
    assert (event.reason, event.door, event.request_id != "") == ("unpaid since May", "admin", True)
    assert "By olga@pulse.example through the admin" in text(client.get(page("acme")))


@pytest.mark.parametrize(
    ("reason", "refusal"),
    [
        ("", "This field is required."),
        ("a" * 501, "at most 500 characters"),
        ("bell \x07", "A reason has at most 500 characters and no control characters."),
    ],
)
def test_a_bad_reason_is_refused_beside_what_was_typed(reason: str, refusal: str, admin: Client) -> None:
    make_organization("acme")
    seen = text(admin.post(form("acme", "suspend"), {"reason": reason}))
    assert refusal in seen
    assert reason[:5] in seen
    assert status_of("acme") == "active"


def test_the_second_of_two_operators_is_told_and_loses_nothing_typed(admin: Client) -> None:
    make_organization("acme")
    lifecycle.suspend("acme", actor=SYSTEM, reason="first")
    seen = text(admin.post(form("acme", "suspend"), {"reason": "what I typed"}))
    assert "The organization is suspended already." in seen
    assert "what I typed" in seen


def test_a_form_that_would_be_refused_says_so_before_anything_is_typed(admin: Client) -> None:
    make_organization("acme")
    seen = text(admin.get(form("acme", "unsuspend")))
    assert "The organization is not suspended." in seen
    assert 'name="reason"' not in seen


def test_a_form_tells_who_will_be_refused(admin: Client) -> None:
    make_organization("acme")
    make_member("acme")
    seen = text(admin.get(form("acme", "soft_delete")))
    assert "2 members and 0 API tokens are refused" in seen
    assert "Told by e-mail: owner@acme.example." in seen


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"typed_id": "acne"}, "This is not the organization&#x27;s id, acme."),
        ({"typed_id": ""}, "This is not the organization&#x27;s id, acme."),
        ({"retention_days": "0"}, "greater than or equal to 1"),
        ({"retention_days": "3651"}, "less than or equal to 3650"),
        ({"retention_days": "1.5"}, "Enter a whole number."),
        ({"retention_days": ""}, "This field is required."),
    ],
)
def test_soft_delete_refuses_wrong_input(changes: dict[str, str], refusal: str, admin: Client) -> None:
    make_organization("acme")
    sent = {"reason": "left", "retention_days": "30", "typed_id": "acme"} | changes
    assert refusal in text(admin.post(form("acme", "soft_delete"), sent))
    assert status_of("acme") == "active"


def test_soft_delete_and_restore(admin: Client) -> None:
    make_organization("acme")
    admin.post(form("acme", "soft_delete"), {"reason": "left", "retention_days": "7", "typed_id": "acme"})
    assert Organization.objects.get(id="acme").retention_days == 7
    assert "after 7 days of retention" in text(admin.get(page("acme")))
    admin.post(form("acme", "restore"), {})
    assert status_of("acme") == "active"


@pytest.mark.usefixtures("overdue")
def test_purge_leaves_a_tombstone_that_only_its_filter_shows(admin: Client) -> None:
    answer = admin.post(form("gone", "purge"), {"reason": "asked by law", "typed_id": "gone"})
    assert said(answer) == ["gone is purged."]
    assert AuditEvent.objects.get(verb="organization.purge").reason == "asked by law"
    assert page("gone") not in text(admin.get(LIST))
    assert "tombstone" in text(admin.get(LIST, {"status": Status.PURGED}))
    assert "This tombstone keeps the id" in text(admin.get(page("gone")))


def test_purge_before_the_retention_is_over_is_refused(admin: Client) -> None:
    make_organization("acme")
    lifecycle.soft_delete("acme", actor=SYSTEM)
    seen = text(admin.post(form("acme", "purge"), {"reason": "now", "typed_id": "acme"}))
    assert "retention is not over" in seen
    assert status_of("acme") == "pending_deletion"


def test_adding_an_organization_leads_to_its_page(admin: Client) -> None:
    answer = admin.post(f"{LIST}add/", {"email": "Ann@New.example", "name": "New Ltd", "organization_id": ""})
    assert answer["Location"] == page("new-ltd")
    assert "ann@new.example" in text(admin.get(page("new-ltd")))


def test_adding_one_that_exists_says_so_and_leads_to_it(admin: Client) -> None:
    make_organization("acme")
    answer = admin.post(f"{LIST}add/", {"email": "owner@acme.example", "name": "Another"})
    assert answer["Location"] == page("acme")
    assert "acme exists already" in said(answer)[0]


@pytest.mark.parametrize(
    ("changes", "field", "refusal"),
    [
        ({"email": "nonsense"}, "email", "This is not a valid e-mail address."),
        ({"name": "ab"}, "name", "A name has 3 to 64 characters"),
        ({"organization_id": "No_Way"}, "organization_id", "An id has 1 to 63"),
        ({"organization_id": "acme"}, "organization_id", "This id is or was used"),
    ],
)
def test_adding_an_organization_refuses_beside_the_field(
    changes: dict[str, str], field: str, refusal: str, admin: Client
) -> None:
    make_organization("acme")
    sent = {"email": "ann@new.example", "name": "New Ltd", "organization_id": "new"} | changes
    answer = admin.post(f"{LIST}add/", sent)
    assert refusal in answer.context["form"].errors[field][0]
    assert not Organization.objects.filter(id="new").exists()


def test_renaming_changes_the_name_and_not_the_id(admin: Client) -> None:
    make_organization("acme")
    assert said(admin.post(form("acme", "rename"), {"name": "Acme & Co", "seen": "*"})) == [
        "acme is now called Acme & Co."
    ]


def test_exporting_downloads_an_archive_and_is_audited(admin: Client) -> None:
    make_organization("acme")
    answer = admin.post(form("acme", "export"))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert json.loads(archive.read("manifest.json"))["organization"] == "acme"
    assert AuditEvent.objects.filter(verb="organization.export").exists()


def test_verifying_tells_what_is_wrong(admin: Client, data_dir) -> None:
    make_organization("acme")
    assert "acme is whole" in text(admin.get(form("acme", "verify")))
    (data_dir / "orgs" / "acme" / "rbac.db").unlink()
    assert "acme needs care" in text(admin.get(form("acme", "verify")))


@pytest.mark.parametrize("name", ["change", "suspend", "verify", "export"])
def test_an_unknown_organization_is_not_found(name: str, admin: Client) -> None:
    assert admin.get(form("nobody", name)).status_code == 404

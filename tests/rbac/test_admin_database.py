"""The admin's page of an organization's database: findings, backups, restoring, and breaking the glass."""

import re

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pulse.models import AuditEvent
from rbac import backups
from rbac.recovery import GOOD_FOR
from tests.admin import GROUPS, said, signed_in, text, who_may_open
from tests.factories import SYSTEM, make_member, make_organization
from tests.rbac.admin import ACCESS, BASE, give, held_by

pytestmark = pytest.mark.usefixtures("database")

DATABASE = f"{BASE}database/"
CARERS = {"operator", "admin"}


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin")


@pytest.fixture
def backup(database: None) -> str:
    return backups.make("acme", actor=SYSTEM, reason="before the upgrade").name


def of_backup(name: str, form: str) -> str:
    return f"{DATABASE}backup/{name}/{form}/"


FORMS = [
    (f"{DATABASE}back_up/", CARERS),
    (of_backup("NAME", "restore"), CARERS),
    (of_backup("NAME", "remove"), CARERS),
    (f"{DATABASE}break_glass/", {"admin"}),
    (f"{DATABASE}redeem/", {"admin"}),
]


@pytest.mark.parametrize(("path", "groups"), [(DATABASE, CARERS), *FORMS])
def test_a_page_opens_to_the_groups_that_may_use_it(path: str, groups: set[str], backup: str) -> None:
    assert who_may_open(path.replace("NAME", backup)) == groups


@pytest.mark.parametrize(("path", "groups"), FORMS)
def test_a_forged_post_is_refused_to_all_other_groups(path: str, groups: set[str], backup: str) -> None:
    sent = {"reason": "spite", "typed_id": "acme", "token": "x", "email": "owner@acme.example"}
    for group in set(GROUPS) - groups:
        assert signed_in(group).post(path.replace("NAME", backup), sent).status_code == 403
    assert [one.name for one in backups.of_organization("acme")] == [backup]
    assert not AuditEvent.objects.filter(verb__in=("recovery.issue", "database.restore")).exists()


def test_an_operator_is_not_offered_to_break_the_glass() -> None:
    assert "break_glass" not in text(signed_in("operator").get(DATABASE))


def test_a_whole_database_is_told_with_its_backups(backup: str, admin: Client) -> None:
    seen = text(admin.get(DATABASE))
    assert "The database is whole" in seen
    assert "before the upgrade" in seen
    assert of_backup(backup, "restore") in seen


def test_a_backup_is_made_with_its_reason(admin: Client) -> None:
    answer = admin.post(f"{DATABASE}back_up/", {"reason": "before surgery"})
    [made] = backups.of_organization("acme")
    assert (answer["Location"], made.reason) == (DATABASE, "before surgery")
    assert said(answer) == [f"The backup {made.name} is made."]


def test_a_backup_is_deleted(backup: str, admin: Client) -> None:
    admin.post(of_backup(backup, "remove"), {})
    assert backups.of_organization("acme") == []
    assert "There is no backup yet." in text(admin.get(DATABASE))


@pytest.mark.parametrize("name", ["20200101T000000.000000Z", "..", "nonsense"])
def test_an_unknown_backup_is_not_found(name: str, admin: Client) -> None:
    assert admin.get(of_backup(name, "restore")).status_code == 404


def test_restoring_brings_the_roles_back_and_keeps_what_was_there(backup: str, admin: Client) -> None:
    give("bot-7", "viewer")
    assert "What is there now is backed up first" in text(admin.get(of_backup(backup, "restore")))
    sent = {"reason": "wrong hands", "typed_id": "acme"}
    assert said(admin.post(of_backup(backup, "restore"), sent)) == [f"acme is restored to {backup}."]
    assert held_by("bot-7") == []
    assert backups.of_organization("acme")[0].reason == f"before the restore of {backup}"
    assert AuditEvent.objects.get(verb="database.restore").reason == "wrong hands"
    assert "database.restore" in text(admin.get(f"{ACCESS}changes/"))


@pytest.mark.parametrize("changes", [{"typed_id": "acne"}, {"reason": ""}])
def test_restoring_refuses_wrong_input(changes: dict[str, str], backup: str, admin: Client) -> None:
    give("bot-7", "viewer")
    admin.post(of_backup(backup, "restore"), {"reason": "x", "typed_id": "acme"} | changes)
    assert held_by("bot-7") == ["viewer"]


def test_a_backup_that_was_changed_is_refused_in_words(backup: str, data_dir, admin: Client) -> None:
    file = data_dir / "backups" / "acme" / backup / "rbac.db"
    file.write_bytes(file.read_bytes() + b"x")
    seen = text(admin.post(of_backup(backup, "restore"), {"reason": "why", "typed_id": "acme"}))
    assert "does not match its SHA-256" in seen
    assert "why" in seen


def test_a_broken_database_is_mended_from_its_page(backup: str, data_dir, admin: Client) -> None:
    (data_dir / "orgs" / "acme" / "rbac.db").write_bytes(b"rubbish" * 1000)
    assert admin.get(ACCESS).status_code == 503
    seen = text(admin.get(DATABASE))
    assert "The database needs care" in seen
    assert "tenant_database_unavailable" in seen
    admin.post(of_backup(backup, "restore"), {"reason": "rubbish", "typed_id": "acme"})
    assert "The database is whole" in text(admin.get(DATABASE))
    assert admin.get(ACCESS).status_code == 200


def issued(client: Client) -> str:
    """The token that the page shows."""
    seen = text(client.post(f"{DATABASE}break_glass/", {"reason": "all admins left"}))
    [token] = re.findall(r"pulse_recovery_[\w-]+", seen)
    return token


def test_the_glass_is_broken_in_two_steps(admin: Client) -> None:
    member = make_member("acme", roles=["viewer"])
    token = issued(admin)
    assert AuditEvent.objects.get(verb="recovery.issue").reason == "all admins left"
    assert "A recovery token is out" in text(admin.get(DATABASE))
    assert token not in text(admin.get(DATABASE))
    answer = admin.post(f"{DATABASE}redeem/", {"token": token, "email": member.email})
    assert said(answer) == [f"{member.email} is an admin of acme."]
    assert held_by(member.public_id) == ["admin"]
    assert "A recovery token is out" not in text(admin.get(DATABASE))


def test_a_token_works_once_and_not_for_strangers(admin: Client) -> None:
    token = issued(admin)
    stranger = {"token": token, "email": "nobody@else.example"}
    answer = admin.post(f"{DATABASE}redeem/", stranger)
    assert "email" in answer.context["form"].errors
    owner = {"token": token, "email": "owner@acme.example"}
    admin.post(f"{DATABASE}redeem/", owner)
    again = admin.post(f"{DATABASE}redeem/", owner)
    assert "expired or used" in again.context["form"].errors["token"][0]


def test_a_token_ends_after_its_time(admin: Client) -> None:
    member = make_member("acme")
    token = issued(admin)
    with time_machine.travel(timezone.now() + GOOD_FOR):
        admin.post(f"{DATABASE}redeem/", {"token": token, "email": member.email})
    assert held_by(member.public_id) == []


def test_breaking_the_glass_asks_why(admin: Client) -> None:
    assert "This field is required." in text(admin.post(f"{DATABASE}break_glass/", {"reason": " "}))

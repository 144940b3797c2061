"""A list as a file: its own filters, no formula, no secret, by permission, and kept in the audit log."""

import csv
import io
import json

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from pulse import list_exports
from pulse.admin.pages import ReadOnlyAdmin
from pulse.models import AuditEvent, Freeze, KillSwitch
from tenants import lifecycle, tokens
from tests.admin import signed_in, text, who_may_open, who_may_post
from tests.factories import SYSTEM, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

ORGANIZATIONS = "/admin/tenants/organization/export/"
TOKENS = "/admin/tenants/apitoken/export/"
OURS = ("pulse", "tenants", "billing", "runbooks", "django_tasks_database")


@pytest.fixture
def client(database: None) -> Client:
    return signed_in("admin")


def exported(client: Client, path: str, kind: str = "csv") -> str:
    answer = client.post(path, {"kind": kind})
    assert isinstance(answer, StreamingHttpResponse)
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


def rows(client: Client, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported(client, path), newline="")))


def last_event() -> AuditEvent:
    return AuditEvent.objects.filter(verb="list.export").latest("sequence")


def test_a_list_is_exported_as_csv(client: Client) -> None:
    make_organization("acme", name="Acme, Ltd")
    found = {row["id"]: row for row in rows(client, ORGANIZATIONS)}
    assert found["acme"]["display_name"] == "Acme, Ltd"
    assert found["acme"]["owner_email"] == "owner@acme.example"
    assert found["acme"]["created_at"].endswith("+00:00")


def test_a_list_is_exported_as_json(client: Client) -> None:
    make_organization("acme")
    found = {row["id"]: row for row in json.loads(exported(client, ORGANIZATIONS, "json"))}
    assert found["acme"]["status"] == "active"
    assert found["acme"]["retention_days"] is None


def test_an_empty_list_is_a_file_too(client: Client) -> None:
    path = f"{ORGANIZATIONS}?q=nothing"
    assert rows(client, path) == json.loads(exported(client, path, "json")) == []


def test_the_file_has_what_the_list_was_filtered_to(client: Client) -> None:
    for one in ("acme", "blue"):
        make_organization(one)
    lifecycle.suspend("blue", actor=SYSTEM)
    assert [row["id"] for row in rows(client, f"{ORGANIZATIONS}?status=suspended")] == ["blue"]
    page = text(client.get("/admin/tenants/organization/?status=suspended"))
    assert f"{ORGANIZATIONS}?status=suspended" in page


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(value: str) -> None:
    assert list_exports.cell(value) == f"'{value}"


def test_a_name_that_is_a_formula_is_exported_as_text(client: Client) -> None:
    make_organization("acme", name='=HYPERLINK("x")')
    assert [row["display_name"] for row in rows(client, f"{ORGANIZATIONS}?q=acme")] == ['\'=HYPERLINK("x")']


def test_numbers_are_left_alone() -> None:
    assert list_exports.cell(-7) == -7


def test_no_secret_is_exported(client: Client) -> None:
    token, whole = tokens.create_for_operator(make_operator(), actor=SYSTEM, scopes=["read"])
    seen = exported(client, TOKENS) + exported(client, TOKENS, "json")
    assert token.prefix in seen
    assert token.token_hash not in seen
    assert whole not in seen


def test_the_export_is_recorded_without_addresses(client: Client) -> None:
    exported(client, f"{ORGANIZATIONS}?q=owner@acme.example&status=active")
    assert last_event().after == {
        "list": "tenants.organization",
        "format": "csv",
        "filters": {"q": "(an address)", "status": "active"},
    }


def test_who_may_export() -> None:
    assert who_may_open(ORGANIZATIONS) == who_may_post(ORGANIZATIONS) == {"operator", "billing", "admin"}
    assert "Export" not in text(signed_in("support").get("/admin/tenants/organization/"))


def test_who_may_not_see_a_list_may_not_export_it() -> None:
    operator = make_operator("operator")
    operator.groups.clear()
    operator.user_permissions.add(Permission.objects.get(codename="export_lists"))
    client = Client()
    client.force_login(operator)
    assert client.post(ORGANIZATIONS, {"kind": "csv"}).status_code == 403
    assert not AuditEvent.objects.filter(verb="list.export").exists()


def test_an_export_takes_a_recent_sign_in() -> None:
    client = Client()
    client.force_login(make_operator("admin"))
    assert "reauthenticate" in client.post(ORGANIZATIONS, {"kind": "csv"})["Location"]


@pytest.mark.parametrize("kind", ["xlsx", ""])
def test_no_other_format_is_known(kind: str, client: Client) -> None:
    assert client.post(ORGANIZATIONS, {"kind": kind}).status_code == 200
    assert not AuditEvent.objects.filter(verb="list.export").exists()


def test_a_filter_that_means_nothing_is_told(client: Client) -> None:
    seen = text(client.post("/admin/tenants/user/export/?is_staff__exact=maybe", {"kind": "csv"}))
    assert "The list does not know one of these filters." in seen


def test_every_list_of_ours_can_be_exported(client: Client) -> None:
    for model, model_admin in admin.site._registry.items():
        if model in (KillSwitch, Freeze) or model._meta.app_label not in OURS:
            continue
        assert isinstance(model_admin, ReadOnlyAdmin)
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_list_export")
        assert exported(client, path).split("\r\n")[0] == ",".join(model_admin.export_fields)


def test_the_file_is_read_a_piece_at_a_time(client: Client, django_assert_num_queries) -> None:
    answer = client.post(ORGANIZATIONS, {"kind": "csv"})
    pieces = iter(answer.streaming_content)
    with django_assert_num_queries(0):
        assert next(pieces).startswith(b"id,")
    with django_assert_num_queries(1):
        list(pieces)

"""The admin's list of organizations, what is done with a selection of it, and the first page's counts."""

import pytest
import time_machine
from django.test import Client

from tenants import lifecycle
from tenants.models import DEFAULT_ORGANIZATION, Organization
from tests.admin import signed_in, text
from tests.factories import SYSTEM, make_organization

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/tenants/organization/"


def page(organization_id: str) -> str:
    return f"{LIST}{organization_id}/change/"


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin")


@pytest.mark.parametrize(
    ("words", "found"),
    [("acme", {"acme"}), ("Blue Lt", {"blue"}), ("owner@BLUE", {"blue"}), ("nothing", set())],
)
def test_the_list_is_searched_by_id_name_and_owner(words: str, found: set[str], admin: Client) -> None:
    make_organization("acme")
    make_organization("blue")
    seen = text(admin.get(LIST, {"q": words}))
    assert {one for one in ("acme", "blue") if page(one) in seen} == found


def test_the_list_says_when_nothing_matches(admin: Client) -> None:
    assert "No organizations match" in text(admin.get(LIST, {"q": "nothing"}))


def test_the_list_is_filtered_by_status_and_day_of_creation(admin: Client) -> None:
    with time_machine.travel("2024-05-06T12:00:00Z"):
        make_organization("old")
    make_organization("new")
    lifecycle.suspend("new", actor=SYSTEM)
    on_that_day = {"created_at_from": "2024-05-06", "created_at_to": "2024-05-06"}
    assert page("new") not in text(admin.get(LIST, on_that_day))
    assert page("old") in text(admin.get(LIST, on_that_day))
    assert page("old") not in text(admin.get(LIST, {"status": "suspended"}))
    assert admin.get(LIST, {"created_at_from": "2024-99-99"}).status_code == 200


def test_a_selection_is_suspended_with_a_result_for_each(admin: Client) -> None:
    for one in ("acme", "blue"):
        make_organization(one)
    lifecycle.suspend("blue", actor=SYSTEM)
    selected = ["acme", "blue", DEFAULT_ORGANIZATION]
    asked = admin.post(LIST, {"action": "suspend_selected", "_selected_action": selected})
    assert "Suspend 3 organizations" in text(asked)
    ids = asked.context["form"].initial["ids"]
    seen = text(admin.post(asked.context["send_to"], {"ids": ids, "reason": "incident"}))
    assert "1 of 3 done" in seen
    assert "The organization is suspended already." in seen
    assert Organization.objects.get(id="acme").status == "suspended"


def test_a_selection_without_a_reason_is_asked_again(admin: Client) -> None:
    make_organization("acme")
    seen = text(admin.post(f"{LIST}bulk/suspend/selected/", {"ids": "acme", "reason": ""}))
    assert "This field is required." in seen
    assert 'value="acme"' in seen


def test_no_list_offers_to_delete(admin: Client) -> None:
    assert "delete_selected" not in text(admin.get(LIST))

"""The admin's list of organizations, what is done with a selection of it, and the first page's counts."""

import pytest
import time_machine
from django.test import Client

from billing.models import Override
from tenants import bulk, lifecycle
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
    asked = admin.post(LIST, {"action": "suspend", "_selected_action": selected})
    assert "Suspend 1 organization" in text(asked)
    assert "2 will be skipped" in text(asked)
    assert "The organization is suspended already." in text(asked)
    ids = asked.context["form"].initial["ids"]
    started = admin.post(asked.context["send_to"], {"ids": ids, "reason": "incident"})
    assert "0 of 3" in text(admin.get(started["Location"]))
    bulk.proceed()
    polled = admin.get(started["Location"], headers={"HX-Request": "true"})
    assert polled["HX-Refresh"] == "true"
    seen = text(admin.get(started["Location"]))
    assert "3 of 3, finished" in seen
    assert "The organization is suspended already." in seen
    assert Organization.objects.get(id="acme").status == "suspended"


def test_all_that_the_list_was_filtered_to_are_selected(admin: Client) -> None:
    Organization.objects.bulk_create(Organization(id=f"tenant-{number}") for number in range(60))
    make_organization("acme")
    lifecycle.suspend("acme", actor=SYSTEM)
    wanted = {"action": "suspend", "_selected_action": ["tenant-1"], "select_across": "1"}
    asked = admin.post(f"{LIST}?status=active", wanted)
    ids = asked.context["form"].initial["ids"].split()
    assert len(ids) == 61  # With the default organization.
    assert "acme" not in ids


def test_a_run_is_cancelled_from_its_page(admin: Client) -> None:
    make_organization("acme")
    page = admin.post(f"{LIST}bulk/suspend/selected/", {"ids": "acme", "reason": "x"})["Location"]
    cancel = page.replace("change", "cancel")
    assert cancel in text(admin.get(page))
    admin.post(cancel, {"reason": "wrong list"})
    bulk.proceed()
    assert "1 of 1, cancelled" in text(admin.get(page))
    assert Organization.objects.get(id="acme").status == "active"
    assert cancel not in text(admin.get(page))


def test_the_results_of_a_run_are_a_list(admin: Client) -> None:
    make_organization("acme")
    page = admin.post(f"{LIST}bulk/suspend/selected/", {"ids": "acme none", "reason": "x"})["Location"]
    bulk.proceed()
    run = page.split("/")[-3]
    results = f"/admin/tenants/bulkresult/?run={run}&state__exact="
    assert "acme" in text(admin.get(f"{results}done"))
    assert "acme" not in text(admin.get(f"{results}refused"))
    assert admin.get("/admin/tenants/bulkresult/none/change/").status_code == 302


@pytest.mark.parametrize(("operation", "field"), [("extend_trial", "until"), ("move_plan", "plan")])
def test_what_an_operation_takes_is_asked(operation: str, field: str, admin: Client) -> None:
    make_organization("acme")
    asked = admin.post(LIST, {"action": operation, "_selected_action": ["acme"]})
    assert f'name="{field}"' in text(asked)


def test_trials_are_extended_to_a_day_that_is_typed(admin: Client) -> None:
    make_organization("acme")
    typed = {"ids": "acme", "reason": "asked", "until": "2999-01-02T03:04"}
    admin.post(f"{LIST}bulk/extend_trial/selected/", typed)
    bulk.proceed()
    assert Override.objects.get().trial_ends_at.isoformat() == "2999-01-02T03:04:00+00:00"


def test_a_selection_without_a_reason_is_asked_again(admin: Client) -> None:
    make_organization("acme")
    seen = text(admin.post(f"{LIST}bulk/suspend/selected/", {"ids": "acme", "reason": ""}))
    assert "This field is required." in seen
    assert 'value="acme"' in seen


def test_no_list_offers_to_delete(admin: Client) -> None:
    assert "delete_selected" not in text(admin.get(LIST))

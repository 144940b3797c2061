"""Stories of tenants: one leaks and is contained, one was deleted by mistake, many are suspended at once."""

import pytest

from tenants import bulk
from tests.needs import chromium
from tests.stories.operator import Operator, meanwhile, told

pytestmark = [pytest.mark.drill, chromium]


def test_a_leak_is_reported_and_contained(token: str, base: str, ada: Operator) -> None:
    ada.find("open incident", "Open incident")
    ada.answer(
        title="Fjord Analytics sees invoices of Harbour Clinics",
        playbook="p1-cross-tenant-leak",
        organizations="fjord-analytics harbour-clinics",
        note="Their administrator sent a picture of it at nine.",
    )
    ada.reads("is open.", "Cross-tenant leak")
    ada.do("Acknowledge", note="I look into it.")
    ada.do("Suspend organizations", within="Suspend the organizations whose data leaks")
    ada.reads("fjord-analytics: suspended; harbour-clinics: suspended")
    assert told(base, token) == (403, "org_suspended")
    ada.do("Contained", note="Both are suspended, and nothing is served.")
    ada.reads("It is contained.")
    ada.keep_picture("leak")

    exported = ada.download("Export")
    assert "harbour-clinics: suspended" in exported
    assert "Both are suspended, and nothing is served." in exported


def test_a_tenant_that_was_deleted_by_mistake_is_restored(token: str, base: str, ada: Operator) -> None:
    ada.find("owner@fjord-analytics.example", "Fjord Analytics")
    ada.do("Soft-delete", reason="They asked for it in ticket 4711", typed_id="fjord-analytics")
    ada.reads("fjord-analytics is pending deletion.")
    assert told(base, token) == (403, "org_pending_deletion")

    ada.open("Undo: restore")
    ada.answer(reason="Ticket 4711 was about another customer")
    ada.reads("fjord-analytics is restored.", "Active since", "Ticket 4711 was about another customer")
    assert told(base, token) == (200, "")
    ada.keep_picture("restored")


def test_a_selection_is_suspended_but_for_those_that_cannot_be(token: str, base: str, ada: Operator) -> None:
    ada.open("Organizations")
    ada.page.get_by_label("Select all").first.check()
    ada.page.get_by_label("Select action to run").select_option("suspend")
    ada.page.get_by_role("button", name="Run").click()
    ada.reads("will be skipped", "The default organization")
    ada.keep_picture("selection")
    ada.answer(reason="Fraud with stolen cards, until it is looked into")
    ada.reads("Fraud with stolen cards", "0 of")
    meanwhile(bulk.proceed)
    ada.reads("finished", "The default organization")
    assert told(base, token) == (403, "org_suspended")
    ada.keep_picture("bulk")

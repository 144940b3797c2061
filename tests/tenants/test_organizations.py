"""Finding, reading and renaming organizations through the operators' API."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import time_machine

from tests.api import Caller, code
from tests.factories import make_organization
from tests.tenants.states import STEPS, organization_in

pytestmark = pytest.mark.usefixtures("database")

LIST = "/api/admin/orgs"
FIELDS = {
    "id", "display_name", "status", "status_changed_at", "suspended_at", "suspend_reason",
    "deletion_requested_at", "retention_days", "purge_after", "owner_email", "created_at",
}  # fmt: skip


def ids(operator: Caller, query: str = "") -> list[str]:
    return [one["id"] for one in operator.get(f"{LIST}?{query}").json()["results"]]


@pytest.mark.parametrize("state", STEPS)
def test_an_organization_has_its_fields_in_every_state(operator: Caller, state) -> None:
    organization_in(state)
    assert set(operator.get(f"{LIST}/acme").json()) == FIELDS


def test_instants_are_rfc_3339_in_utc(operator: Caller) -> None:
    with time_machine.travel(datetime(2030, 1, 2, 3, 4, 5, 678900, tzinfo=UTC), tick=False):
        make_organization("acme")
    assert operator.get(f"{LIST}/acme").json()["created_at"] == "2030-01-02T03:04:05.678900Z"


@pytest.mark.parametrize("below", ["", "/events", "/verify", "/export"])
def test_an_unknown_or_malformed_id_is_not_found(operator: Caller, below) -> None:
    for organization_id in ("nobody", "Acme", "%00", "a%0A", "é", "x" * 64):
        answer = code(operator.get(f"{LIST}/{organization_id}{below}"))
        assert (organization_id, answer) == (organization_id, (404, "not_found"))


def test_a_tombstone_and_its_timeline_can_be_read(operator: Caller) -> None:
    organization_in("purged")
    assert operator.get(f"{LIST}/acme").json()["status"] == "purged"
    newest = operator.get(f"{LIST}/acme/events").json()["results"][0]
    assert newest["verb"] == "organization.purge"


def test_the_timeline_is_filtered_by_instants(operator: Caller) -> None:
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC)):
        make_organization("acme")
    with time_machine.travel(datetime(2030, 1, 2, tzinfo=UTC)):
        operator.patch(f"{LIST}/acme", {"display_name": "Acme"})
    later = operator.get(f"{LIST}/acme/events?after=2030-01-02T00:00:00Z").json()["results"]
    earlier = operator.get(f"{LIST}/acme/events?before=2030-01-02T00:00:00Z").json()["results"]
    assert [one["verb"] for one in later] == ["organization.rename"]
    assert [one["verb"] for one in earlier] == ["organization.provision"]


@pytest.mark.parametrize("below", ["verify", "export"])
def test_nothing_else_of_a_tombstone_can_be_read(operator: Caller, below) -> None:
    organization_in("purged")
    assert code(operator.get(f"{LIST}/acme/{below}")) == (404, "not_found")


def test_the_list_is_in_the_order_of_ids(operator: Caller) -> None:
    for name in ("zeta", "acme", "midi"):
        make_organization(name)
    assert ids(operator) == ["acme", "default", "midi", "zeta"]


def test_the_list_leaves_tombstones_out_unless_they_are_asked_for(operator: Caller) -> None:
    organization_in("purged", "gone")
    assert ids(operator) == ["default"]
    assert ids(operator, "status=purged") == ["gone"]


def test_the_list_is_filtered_by_one_state_or_several(operator: Caller) -> None:
    organization_in("suspended", "paused")
    organization_in("pending_deletion", "leaving")
    assert ids(operator, "status=suspended") == ["paused"]
    assert ids(operator, "status=suspended&status=pending_deletion") == ["leaving", "paused"]
    assert code(operator.get(f"{LIST}?status=odd")) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ACM", ["acme"]),
        ("umlaut", ["globex"]),
        ("Ü", ["globex"]),
        ("owner@acme", ["acme"]),
        ("nobody", []),
        ("%", []),
    ],
)
def test_the_list_is_searched_by_id_name_and_owner(operator: Caller, words, found) -> None:
    make_organization("acme")
    make_organization("globex", name="Ü Umlaut")
    assert ids(operator, f"search={quote(words)}") == found


def test_a_nul_in_a_query_is_no_failure(operator: Caller) -> None:
    for query in ["search=%00", "status=%00", "created_after=%00", "ordering=%00", "page=%00"]:
        assert operator.get(f"{LIST}?{query}").status_code in (200, 400, 404)


def test_the_list_is_filtered_by_its_creation(operator: Caller) -> None:
    for year in (2031, 2032, 2033):
        with time_machine.travel(datetime(year, 1, 1, tzinfo=UTC), tick=False):
            make_organization(f"of-{year}")
    query = "created_after=2031-06-01T00:00:00Z&created_before=2033-01-01T00:00:00Z"
    assert ids(operator, query) == ["of-2032"]
    assert code(operator.get(f"{LIST}?created_after=soon")) == (400, "invalid_request")


def test_the_list_is_ordered_as_asked(operator: Caller) -> None:
    make_organization("b")
    make_organization("a")
    assert ids(operator, "ordering=-id") == ["default", "b", "a"]
    assert ids(operator, "ordering=-created_at")[:2] == ["a", "b"]
    assert ids(operator, "ordering=display_name") == ["a", "b", "default"]


def test_the_list_comes_in_pages(operator: Caller) -> None:
    for name in ("a", "b", "c"):
        make_organization(name)
    first = operator.get(f"{LIST}?page_size=3").json()
    assert (first["count"], len(first["results"]), first["previous"]) == (4, 3, None)
    second = operator.get(first["next"]).json()
    assert [one["id"] for one in second["results"]] == ["default"]
    assert second["next"] is None


def test_a_page_that_is_not_there_is_not_found(operator: Caller) -> None:
    for page in ["0", "-1", "99", "x", "9" * 40]:
        assert (page, code(operator.get(f"{LIST}?page={page}"))) == (page, (404, "not_found"))


def test_a_page_has_at_most_200(operator: Caller) -> None:
    from tenants.models import Organization

    Organization.objects.bulk_create(Organization(id=f"o-{number}") for number in range(201))
    assert len(ids(operator, "page_size=1000")) == 200
    assert len(ids(operator, "page_size=0")) == 50


def test_a_rename_changes_the_name_and_is_audited(operator: Caller) -> None:
    make_organization("acme", name="Acme Ltd")
    answer = operator.patch(
        f"{LIST}/acme", {"display_name": " Acme Söhne ", "id": "other", "status": "purged"}
    )
    assert (answer.status_code, answer.json()["display_name"]) == (200, "Acme Söhne")
    assert (answer.json()["id"], answer.json()["status"]) == ("acme", "active")
    [event] = operator.get(f"{LIST}/acme/events?verb=organization.rename").json()["results"]
    assert (event["before"], event["after"]) == ({"display_name": "Acme Ltd"}, {"display_name": "Acme Söhne"})


def test_a_rename_to_an_invalid_name_is_refused(operator: Caller) -> None:
    make_organization("acme", name="Acme Ltd")
    for name in ["", "ab", "x" * 65, "a/b", "a\nb", 12345, None, []]:
        answer = code(operator.patch(f"{LIST}/acme", {"display_name": name}))
        assert (name, answer) == (name, (400, "invalid_org_name"))
    assert operator.get(f"{LIST}/acme").json()["display_name"] == "Acme Ltd"


def test_a_rename_without_a_name_is_refused(operator: Caller) -> None:
    make_organization("acme")
    assert code(operator.patch(f"{LIST}/acme", {"status": "suspended"})) == (400, "invalid_org_name")


@pytest.mark.parametrize("organization_id", ["nobody", "%00", "gone"])
def test_what_does_not_live_cannot_be_renamed(operator: Caller, organization_id) -> None:
    organization_in("purged", "gone")
    answer = operator.patch(f"{LIST}/{organization_id}", {"display_name": "New Name"})
    assert code(answer) == (404, "not_found")


def test_the_timeline_is_newest_first_and_filtered(operator: Caller) -> None:
    make_organization("acme")
    make_organization("other")
    operator.post(f"{LIST}/acme/suspend", x_request_id="first")
    operator.post(f"{LIST}/acme/unsuspend", x_request_id="second")
    events = operator.get(f"{LIST}/acme/events").json()["results"]
    verbs = [event["verb"] for event in events]
    assert verbs == ["organization.unsuspend", "organization.suspend", "organization.provision"]
    only = operator.get(f"{LIST}/acme/events?request_id=first").json()["results"]
    assert [event["verb"] for event in only] == ["organization.suspend"]

"""Saved filters of lists: each operator's own, above the list, by links alone."""

import re
from html import unescape

import pytest
from django.test import Client

from pulse.models import SavedFilter
from tests.admin import signed_in, text
from tests.factories import make_organization
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/tenants/organization/"
SUSPENDED = "status=suspended&q=acme"


def save(client: Client, name: str, query: str = SUSPENDED):
    return client.post(f"{LIST}filters/save/?{query}", {"name": name})


def saved(client: Client) -> dict[str, str]:
    """The address of each filter above the list."""
    chips = re.search(r'<ul class="pulse-saved".*?</ul>', text(client.get(LIST)), re.S)
    found = re.findall(r'<a href="([^"]+)">([^<]+)</a>', chips[0]) if chips else []
    return {name: unescape(path) for path, name in found}


def test_it_leads_to_the_list_as_it_was() -> None:
    make_organization("blue")
    organization_in("suspended", "acme")
    client = signed_in("support")
    assert "Save filter" in text(client.get(f"{LIST}?{SUSPENDED}"))
    save(client, "Stopped", f"{SUSPENDED}&p=1")
    assert saved(client) == {"Stopped": f"{LIST}?{SUSPENDED}"}
    shown = client.get(saved(client)["Stopped"])
    assert [one.pk for one in shown.context["cl"].result_list] == ["acme"]
    assert "aria-current" in text(shown)


def test_it_is_its_operators_alone() -> None:
    ours, theirs = signed_in("support"), signed_in("admin")
    save(ours, "Stopped")
    assert saved(theirs) == {}
    address = f"{LIST}filters/{SavedFilter.objects.get().pk}/delete/"
    assert theirs.post(address).status_code == 200
    assert "Stopped" in saved(ours)
    assert ours.post(address).status_code == 302
    assert saved(ours) == {}


def test_a_name_that_is_there_is_replaced_and_a_filter_of_nothing_refused() -> None:
    client = signed_in("support")
    save(client, "Mine", "status=active")
    save(client, "Mine", "status=due")
    assert saved(client) == {"Mine": f"{LIST}?status=due"}
    assert "Filter, search or order" in text(save(client, "Nothing", ""))
    assert "is one line" in text(save(client, "a\u2028b"))


def test_there_are_at_most_twenty_of_a_list() -> None:
    client = signed_in("support")
    for number in range(21):
        answer = save(client, f"filter {number}")
    assert "Delete one first" in text(answer)
    assert len(saved(client)) == 20

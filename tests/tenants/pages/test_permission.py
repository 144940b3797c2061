"""Step 7 of the gate: every page of an organization asks its policy, as its API does."""

import pytest

from pulse import routes, urls
from tenants.pages.page import InOrganization
from tests.factories import make_member, make_organization
from tests.tenants.pages.browsers import browser_of, refusal

pytestmark = pytest.mark.usefixtures("database")

PREFIX = "organization/"
# Every member may, whatever their roles.
OPEN = {"organization/", "organization/leave/"}
PARAMETERS = {"<uuid:public_id>": "11111111-1111-4111-8111-111111111111"}
NUMBERED = ("<int:token_id>", "<int:invitation_id>", "<int:claim_id>")


def pages() -> dict[str, type[InOrganization]]:
    return {
        where: pattern.callback.view_class
        for where, pattern in routes.walk(urls.urlpatterns)
        if where.startswith(PREFIX)
    }


def filled(where: str) -> str:
    for parameter, value in (PARAMETERS | dict.fromkeys(NUMBERED, "1")).items():
        where = where.replace(parameter, value)
    return f"/{where}"


def test_every_page_is_one_of_an_organization_and_names_its_resource() -> None:
    assert [where for where, page in pages().items() if not issubclass(page, InOrganization)] == []
    assert {where for where, page in pages().items() if not page.resource} == OPEN


def test_a_member_without_roles_is_refused_everywhere() -> None:
    make_organization("acme")
    browser = browser_of(make_member("acme"))
    for where in pages().keys() - OPEN:
        assert refusal(browser.get(filled(where))) == (403, "permission_denied"), where
        assert refusal(browser.post(filled(where))) == (403, "permission_denied"), where

"""Step 7 of the gate: every route of the tenant API asks the organization's policy, whoever calls it."""

import pytest
from django.urls import URLPattern

from pulse import routes, urls
from rbac import databases
from rbac.api.check_views import Check
from tenants.api.access import Access
from tenants.models import Membership
from tests.api import Caller, code
from tests.factories import UserFactory, make_organization
from tests.rbac.callers import make_role, member, owner
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

UNSAFE = ["post", "put", "patch", "delete"]
# What a route's parameters stand for in these requests: each exists, so that nothing else refuses.
PARAMETERS = {
    "<slug:role_id>": "deployer",
    "<path:principal_id>": "bob",
    "<str:user_id>": "bob",
    "<int:token_id>": "1",
    "<uuid:public_id>": "11111111-1111-4111-8111-111111111111",
    "<int:invitation_id>": "1",
    "<int:claim_id>": "1",
}
# Whoever changes how people get in must be able to do all that it gives.
WHOLE_SIGN_IN = ("settings", "members", "roles")
# Routes whose answer is not the policy's, and why.
EXEMPT = {
    "api/org/check": "a question about any principal; the token's scope guards it",
    "api/org/leave": "every member may, whatever their roles",
    "edge/check": "asks for nothing of the organization; the product decides what follows",
    "edge/refusal": "shows a refusal of the edge check",
}


def tenant_routes() -> list[tuple[str, URLPattern]]:
    """Without the organization's pages, which tests/tenants/pages walks."""
    return [
        (where, pattern)
        for where, pattern in routes.walk(urls.urlpatterns)
        if routes.declaration(pattern.callback) in (routes.RENEWAL, routes.TENANT)
        and not where.startswith("organization/")
    ]


GUARDED = [(where, pattern) for where, pattern in tenant_routes() if where not in EXEMPT]
CALLS = [
    (method, where)
    for where, pattern in GUARDED
    for method in ("get", *UNSAFE)
    if hasattr(pattern.callback.cls, method)
]


def filled(where: str) -> str:
    for parameter, value in PARAMETERS.items():
        where = where.replace(parameter, value)
    return f"/{where}"


def changes_sign_in(where: str) -> bool:
    return where.startswith("api/org/sso") and "domains" not in where


def call(caller: Caller, method: str, where: str):
    return getattr(caller, method)(filled(where))


def test_the_exempt_routes_are_these_alone() -> None:
    assert EXEMPT.keys() <= {where for where, _ in tenant_routes()}
    assert len(GUARDED) >= 9


@pytest.mark.parametrize(("where", "pattern"), GUARDED, ids=[where for where, _ in GUARDED])
def test_every_route_has_the_permission_class_and_names_its_resource(where: str, pattern) -> None:
    view = pattern.callback.cls
    assert Access in view.permission_classes
    assert isinstance(view.resource, str)


def test_the_check_route_takes_its_own_scope() -> None:
    assert Check.scope == "check"


@pytest.fixture
def acme(database: None) -> None:
    make_organization("acme")
    make_role("deployer")
    person = UserFactory(public_id=PARAMETERS["<uuid:public_id>"])
    Membership.objects.create(user=person, organization_id="acme")


@pytest.mark.parametrize(("method", "where"), CALLS)
def test_a_member_without_roles_is_refused_everywhere(acme: None, method: str, where: str) -> None:
    theirs, _ = member()
    assert code(call(theirs, method, where)) == (403, "permission_denied")


@pytest.mark.parametrize(("method", "where"), [one for one in CALLS if one[0] != "get"])
def test_a_viewer_is_refused_whatever_changes(acme: None, method: str, where: str) -> None:
    theirs, _ = member("viewer")
    assert code(call(theirs, method, where)) == (403, "permission_denied")


@pytest.mark.parametrize(("method", "where"), CALLS)
def test_a_role_for_its_resource_alone_opens_each(acme: None, method: str, where: str) -> None:
    resource = dict(GUARDED)[where].callback.cls.resource
    resources = WHOLE_SIGN_IN if changes_sign_in(where) else [resource]
    make_role("opener", *[("read" if method == "get" else "write", one) for one in resources])
    theirs, _ = member("opener")
    answer = call(theirs, method, where)
    assert answer.status_code != 403 or answer.json()["code"] != "permission_denied"


def test_a_refusal_says_what_it_takes_and_is_counted(acme: None) -> None:
    theirs, _ = member()
    before = value_of("pulse_rbac_access_denials_total")
    assert "write on roles" in theirs.post("/api/org/roles").json()["detail"]
    assert value_of("pulse_rbac_access_denials_total") == before + 1


def test_an_unreadable_policy_is_a_503_and_never_a_pass(acme: None) -> None:
    caller = owner()
    assert caller.get("/api/org").status_code == 200
    databases.file_of("acme").unlink()
    assert code(caller.get("/api/org")) == (503, "tenant_database_unavailable")
    assert code(caller.post("/api/org/check", {"action": "read", "resource": "x"})) == (
        503, "tenant_database_unavailable",
    )  # fmt: skip

"""Whatever anybody sends, each answer is one that the OpenAPI schema documents, and never a 5xx."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pulse.wsgi import application
from tests.factories import make_organization, member_token, operator_token

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
SCHEMA = schemathesis.openapi.from_wsgi("/api/schema", application)
OPERATORS = SCHEMA.include(path_regex="^/api/admin/")
TENANTS = SCHEMA.include(path_regex="^/api/org")
PUBLIC = SCHEMA.include(path_regex="^/api/public/")

# For callers whom nearly every operation refuses before it looks at what they sent.
REFUSED = schemathesis.openapi.from_dict(
    SCHEMA.raw_schema, config=SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})
)
REFUSED.app = application

EXISTING = {"organization_id": "acme", "role_id": "viewer"}

# The same requests in each run. Each test's requests share one database.
thorough = settings(max_examples=3, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
brief = settings(thorough, max_examples=2)


@pytest.fixture
def acme(database: None, settings) -> str:
    """An organization whose limits these requests do not meet."""
    settings.PULSE_SIGNUP_RATE = settings.PULSE_TENANT_RATE = "1000000/minute"
    return make_organization("acme").id


@pytest.fixture
def as_operator(acme: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {operator_token()}"}


@pytest.fixture
def as_owner(acme: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {member_token(acme)}"}


def ask(case: Case, headers: dict[str, str]) -> None:
    """The generated bodies and queries go to what exists, the systematic ones also to odd ids."""
    if case.meta.phase.name == TestPhase.FUZZING:
        for name in EXISTING.keys() & case.path_parameters.keys():
            case.path_parameters[name] = EXISTING[name]
    case.call_and_validate(headers=headers, checks=CHECKS)


@OPERATORS.parametrize()
@thorough
def test_the_operators_api_as_an_operator(case: Case, as_operator: dict[str, str]):
    ask(case, as_operator)


@TENANTS.parametrize()
@thorough
def test_the_tenants_api_as_its_owner(case: Case, as_owner: dict[str, str]):
    ask(case, as_owner)


@PUBLIC.parametrize()
@thorough
def test_the_public_api_as_nobody(case: Case, acme: str):
    ask(case, {})


def ask_everything(path_regex: str, headers: dict[str, str]) -> None:
    """Every operation of a path, made up here and not as a test of its own, which takes long to prepare."""
    for found in REFUSED.include(path_regex=path_regex).get_all_operations():

        @brief
        @given(case=found.ok().as_strategy())
        def each(case: Case) -> None:
            ask(case, headers)

        each()


def test_the_whole_api_as_nobody(acme: str):
    ask_everything("^/api/", {})


@pytest.mark.drill
def test_the_operators_api_as_a_tenants_owner(as_owner: dict[str, str]):
    ask_everything("^/api/admin/", as_owner)


@pytest.mark.drill
def test_the_tenants_api_as_an_operator(as_operator: dict[str, str]):
    ask_everything("^/api/org", as_operator)

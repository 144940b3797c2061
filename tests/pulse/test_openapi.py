"""The API's description: complete, without warnings, shown by a page that loads nothing from elsewhere."""

import re

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from pulse import routes, urls
from tests.api import Caller

pytestmark = pytest.mark.usefixtures("database")

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def schema(nobody: Caller) -> dict:
    return yaml.safe_load(nobody.get("/api/schema").content)


def operations(schema: dict) -> list[tuple[str, dict]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_it_is_generated_without_a_warning_and_is_valid(tmp_path) -> None:
    file = tmp_path / "openapi.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(file))
    assert yaml.safe_load(file.read_text())["openapi"].startswith("3.")


def test_every_route_of_the_api_is_in_it(schema: dict) -> None:
    described = {re.sub(r"{\w+}", "{}", path) for path in schema["paths"]}
    walked = {
        "/" + re.sub(r"<\w+:\w+>", "{}", where)
        for where, pattern in routes.walk(urls.urlpatterns)
        if where.startswith("api/") and routes.declaration(pattern.callback) != routes.ALWAYS_ON
    }
    assert walked
    assert walked - described == set()


def test_every_operation_says_how_it_refuses(schema: dict) -> None:
    for name, operation in operations(schema):
        for status in ("400", "401", "403", "404", "429", "503"):
            assert "application/problem+json" in operation["responses"][status]["content"], name


def test_every_operation_but_sign_up_needs_somebody(schema: dict) -> None:
    open_to_all = [name for name, operation in operations(schema) if {} in operation.get("security", [{}])]
    assert sorted(open_to_all) == ["POST /api/public/signup", "POST /api/webhooks/stripe"]


def test_tokens_and_sessions_are_described(schema: dict) -> None:
    kinds = {scheme["type"] for scheme in schema["components"]["securitySchemes"].values()}
    assert kinds == {"http", "apiKey"}


def test_swagger_ui_loads_nothing_from_elsewhere(nobody: Caller) -> None:
    page = nobody.get("/api/docs", accept="text/html").content.decode()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) >= 3
    assert [source for source in sources if re.match(r"(\w+:)?//", source)] == []
    assert not re.search(r"https?://", page)


def test_what_swagger_ui_loads_is_there(nobody: Caller) -> None:
    page = nobody.get("/api/docs", accept="text/html").content.decode()
    files = re.findall(r'(?:src|href)="(/static/[^"]*)"', page)
    assert files
    for file in files:
        assert Client().get(file).status_code == 200

"""While operators' writes are frozen, every route of theirs that changes something says so, but the named."""

import re
from functools import cache

import pytest
import yaml
from django.test import Client

from pulse import freeze, frozen
from rbac import backups, recovery
from tenants import invitation_codes, lifecycle, provisioning
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization, operator_token
from tests.processes import ROOT

pytestmark = pytest.mark.usefixtures("database")

UNSAFE = ("post", "put", "patch", "delete")
ORG = "/api/admin/orgs/{organization_id}"
# What goes on. The reaper answers for each organization by itself.
PASSING = {
    "PUT /api/admin/freeze",
    "POST /api/admin/reaper",
    "POST /api/admin/readiness/verdicts/{number}/revoke",
    f"POST {ORG}/rbac/backup",
    f"POST {ORG}/support-access",
    f"DELETE {ORG}/support-access",
    *(f"POST {ORG}/{verb}" for verb in ("suspend", "unsuspend", "soft-delete", "restore")),
}
PASSING_PREFIX = "/api/admin/incidents"
# What a route needs to come as far as its change.
BODIES = {
    "POST /api/admin/orgs": {"email": "new@example.com", "name": "New Ltd"},
    f"PATCH {ORG}": {"display_name": "Other Ltd"},
    f"PUT {ORG}/billing-state": {"subscription_state": "active"},
    f"PUT {ORG}/rbac/reset-admin": {"recovery_token": "{token}", "email": "owner@acme.example"},
    f"POST {ORG}/rbac/restore": {"backup": "{name}"},
    "POST /api/admin/readiness/evidence": {"packet": "HOP-00", "role": "implementer"},
    "POST /api/admin/readiness/verdicts": {
        "stage": "development", "outcome": "GO_WITH_CONDITIONS", "reason": "because",
    },
}  # fmt: skip
NAMES = {"drills": "gate-closing", "schedules": "tidy"}


@cache
def described() -> dict:
    return yaml.load((ROOT / "docs/openapi.yaml").read_text(), Loader=yaml.CSafeLoader)


def changing_routes() -> list[str]:
    """Of the operators' API, but for those that go on."""
    schema = described()
    found = [
        f"{method.upper()} {path}"
        for path, methods in schema["paths"].items()
        for method in methods
        if method in UNSAFE and path.startswith("/api/admin/") and not path.startswith(PASSING_PREFIX)
    ]
    return [route for route in found if route not in PASSING]


@pytest.fixture
def parts() -> dict[str, str]:
    """What addresses and bodies name, of a world that is frozen."""
    make_organization("acme")
    provisioning.provision(
        email="s@drills.invalid", name="Rehearsal", organization_id="drill", actor=SYSTEM, is_synthetic=True
    )
    lifecycle.soft_delete("drill", actor=SYSTEM)
    named = {
        "organization_id": "acme",
        "name": backups.make("acme", actor=SYSTEM).name,
        "token": recovery.issue("acme", actor=SYSTEM, reason="lost").text,
        "code_id": str(invitation_codes.make(actor=SYSTEM)[0].pk),
    }
    freeze.begin(actor=SYSTEM, reason="INC-1")
    return named


def ask(caller: Caller, route: str, parts: dict[str, str]):
    method, path = route.split()
    area = path.split("/")[3]
    named = parts | ({"name": NAMES[area]} if area in NAMES else {})
    named |= {"organization_id": "drill"} if path.endswith("end-retention") else {}
    body = BODIES.get(route, {"reason": "because"})
    filled = {key: value.format(**named) for key, value in body.items()}
    return caller._send(method.lower(), re.sub(r"{(\w+)}", lambda part: named[part[1]], path), filled, {})


def test_every_other_route_that_changes_something_is_refused(parts: dict[str, str]) -> None:
    admin = Caller(Client(), operator_token("admin"))
    answers = {route: code(ask(admin, route, parts)) for route in changing_routes()}
    assert len(answers) > 10
    assert {route: told for route, told in answers.items() if told != (423, "frozen")} == {}


def test_the_routes_that_go_on_are_there() -> None:
    schema = described()
    there = {f"{one.upper()} {path}" for path, methods in schema["paths"].items() for one in methods}
    assert there >= PASSING


def test_each_verb_that_passes_is_written_somewhere() -> None:
    """A verb that was renamed would be refused where it is needed most."""
    apps = [ROOT / app for app in ("pulse", "tenants", "rbac", "billing", "runbooks")]
    files = [file for app in apps for file in app.rglob("*.py") if file.name != "frozen.py"]
    source = "".join(file.read_text() for file in files)
    missing = set()
    for verb in frozen.PASSING:
        subject = verb.partition(".")[0]
        if not any(words in source for words in (f'"{verb}"', f'f"{subject}.{{', f'"{subject}." + ')):
            missing.add(verb)
    assert missing == set()

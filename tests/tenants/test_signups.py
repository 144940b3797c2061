"""Sign-up through the public API: it tells nobody who is a customer already."""

import pytest

from pulse import hosted_mode
from tenants.models import Organization
from tests.api import Caller, code
from tests.factories import make_organization
from tests.tenants.scrape import value_of
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")


def sign_up(caller: Caller, email="ann@example.com", org_name="Acme Ltd", **headers: str):
    return caller.post("/api/public/signup", {"email": email, "org_name": org_name}, **headers)


def living() -> list[str]:
    return list(Organization.objects.living().exclude(id="default").values_list("id", flat=True))


def test_it_makes_a_trial_organization_with_its_owner(nobody: Caller, operator: Caller) -> None:
    assert sign_up(nobody).status_code == 202
    shown = operator.get("/api/admin/orgs/acme-ltd").json()
    assert (shown["status"], shown["owner_email"]) == ("active", "ann@example.com")
    assert operator.get("/api/admin/orgs/acme-ltd/verify").json()["whole"]
    [event] = operator.get("/api/admin/orgs/acme-ltd/events").json()["results"]
    assert (event["actor"], event["actor_kind"], event["door"]) == ("sign-up", "anonymous", "api")


@pytest.mark.parametrize("state", ["active", "suspended", "pending_deletion", "purged"])
def test_a_known_email_is_answered_as_a_new_one(nobody: Caller, state) -> None:
    organization_in(state, "known")
    new = sign_up(nobody, x_request_id="same")
    known = sign_up(nobody, email="owner@KNOWN.example", x_request_id="same")
    assert (new.status_code, new.content, dict(new.headers)) == (202, known.content, dict(known.headers))


def test_it_is_counted_once_it_is_accepted(nobody: Caller) -> None:
    before = value_of("pulse_hosted_signups_total")
    sign_up(nobody)
    sign_up(nobody, email="no address")
    assert value_of("pulse_hosted_signups_total") == before + 1


NOT_WELL_FORMED = [
    ("", "Acme", "invalid_email"),
    ("ann", "Acme", "invalid_email"),
    (None, "Acme", "invalid_email"),
    (5, "Acme", "invalid_email"),
    (["ann@example.com"], "Acme", "invalid_email"),
    ("ann@example.com", "ab", "invalid_org_name"),
    ("ann@example.com", "x" * 65, "invalid_org_name"),
    ("ann@example.com", "a/b", "invalid_org_name"),
    ("ann@example.com", "a\tb", "invalid_org_name"),
    ("ann@example.com", "a\u0000b", "invalid_org_name"),
    ("ann@example.com", None, "invalid_org_name"),
    ("ann@example.com", 12345, "invalid_org_name"),
]


def test_what_is_not_well_formed_is_refused(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1000/hour"
    for email, org_name, refusal in NOT_WELL_FORMED:
        answer = code(sign_up(nobody, email, org_name))
        assert (email, org_name, answer) == (email, org_name, (400, refusal))
    assert living() == []


def test_missing_fields_are_named(nobody: Caller) -> None:
    assert set(nobody.post("/api/public/signup", {}).json()["errors"]) == {"email", "org_name"}


def test_the_sixth_in_an_hour_from_one_address_is_refused(nobody: Caller) -> None:
    for number in range(5):
        assert sign_up(nobody, f"person-{number}@example.com").status_code == 202
    refused = sign_up(nobody, "late@example.com")
    assert code(refused) == (429, "rate_limit_exceeded")
    assert 1 <= int(refused["Retry-After"]) <= 3600
    assert (refused["X-RateLimit-Limit"], refused["X-RateLimit-Remaining"]) == ("5", "0")
    assert len(living()) == 5


def test_the_limit_is_of_an_address_alone(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    settings.PULSE_TRUSTED_PROXIES = ["127.0.0.1"]
    assert sign_up(nobody, x_forwarded_for="192.0.2.1").status_code == 202
    assert sign_up(nobody, x_forwarded_for="192.0.2.1").status_code == 429
    assert sign_up(nobody, x_forwarded_for="192.0.2.2").status_code == 202


def test_private_beta_is_by_invitation(nobody: Caller, settings, monkeypatch) -> None:
    settings.PULSE_STAGE = "private_beta"
    settings.SECURE_SSL_REDIRECT = False
    monkeypatch.setattr(hosted_mode, "verdict_stands", lambda stage: True)
    assert code(sign_up(nobody)) == (403, "invitation_required")
    assert living() == []


def test_at_the_cap_a_known_email_is_refused_like_a_new_one(nobody: Caller, settings) -> None:
    settings.PULSE_TENANT_CAP = 1
    make_organization("known")
    new = sign_up(nobody, x_request_id="same")
    known = sign_up(nobody, email="owner@known.example", x_request_id="same")
    assert code(new) == (503, "tenant_cap_reached")
    assert known.content == new.content


def test_a_token_is_no_use_for_it_and_does_no_harm(operator: Caller) -> None:
    assert sign_up(operator).status_code == 202


def test_it_does_not_exist_while_the_gate_is_shut(nobody: Caller, settings) -> None:
    settings.PULSE_HOSTED_MODE = "false"
    assert code(sign_up(nobody)) == (404, "not_found")
    assert living() == []

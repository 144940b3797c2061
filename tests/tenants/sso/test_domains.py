"""Domains of an organization: claimed, proven by a TXT record, held by one, lost when no longer proven."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone

from pulse import tasks as pulse_tasks
from pulse.models import Schedule
from pulse.problems import PermissionRefused
from tenants import lifecycle, tasks
from tenants.models import DomainClaim
from tenants.sso import domains
from tests.api import Caller, code
from tests.factories import SYSTEM, acting, make_member, make_organization, member_token
from tests.tenants.sso import dns_server
from tests.tenants.states import STEPS

pytestmark = pytest.mark.usefixtures("database")

DOMAINS = "/api/org/sso/domains"


@pytest.fixture(scope="module")
def server() -> Iterator[dns_server.Records]:
    with dns_server.serving() as records:
        yield records


@pytest.fixture(autouse=True)
def dns(server: dns_server.Records, settings) -> dns_server.Records:
    """What the DNS says; nothing at first."""
    server.clear()
    settings.PULSE_DNS_SERVERS = [server.address]
    return server


@pytest.fixture
def acme(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


@pytest.fixture
def rival(database: None) -> Caller:
    make_organization("rival")
    return Caller(Client(), member_token("rival"))


def claim(caller: Caller, domain: str = "acme.example"):
    return caller.post(DOMAINS, {"domain": domain})


def check(caller: Caller, claimed: dict):
    return caller.post(f"{DOMAINS}/{claimed['id']}/check")


def published(dns: dns_server.Records, claimed: dict) -> dict:
    dns[claimed["record_name"]] = [claimed["record_text"]]
    return claimed


def proven(caller: Caller, dns: dns_server.Records, domain: str = "acme.example") -> dict:
    response = check(caller, published(dns, claim(caller, domain).json()))
    assert response.status_code == 200
    return response.json()


def prove_again_after(days: int) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=days)):
        tasks.prove_domains_again.call()
        pulse_tasks.deliver_mails.call()


def test_a_published_record_proves_the_domain(acme: Caller, dns) -> None:
    claimed = claim(acme).json()
    assert claimed["record_name"] == "_pulse-verification.acme.example"
    assert domains.organization_for("acme.example") is None
    assert check(acme, published(dns, claimed)).json()["verified_at"]
    assert domains.organization_for("acme.example") == "acme"
    assert domains.verified("acme") == ["acme.example"]


def test_without_the_record_nothing_is_proven(acme: Caller, dns) -> None:
    claimed = claim(acme).json()
    assert code(check(acme, claimed)) == (409, "domain_not_proven")
    dns[claimed["record_name"]] = ["pulse-verification=", "v=spf1 -all"]
    assert code(check(acme, claimed)) == (409, "domain_not_proven")
    dns[claimed["record_name"]] = dns_server.FAILS
    assert code(check(acme, claimed)) == (409, "domain_unanswered")


def test_the_record_of_another_organization_proves_nothing(acme: Caller, rival: Caller, dns) -> None:
    published(dns, claim(rival).json())
    assert code(check(acme, claim(acme).json())) == (409, "domain_not_proven")


def test_a_domain_is_held_by_one(acme: Caller, rival: Caller, dns) -> None:
    held = proven(acme, dns)
    wanted = published(dns, claim(rival).json())
    assert code(check(rival, wanted)) == (409, "domain_taken")
    assert domains.organization_for("acme.example") == "acme"
    acme.delete(f"{DOMAINS}/{held['id']}")
    assert check(rival, wanted).status_code == 200


def test_an_alias_to_the_record_proves_nothing(acme: Caller, dns) -> None:
    claimed = claim(acme, "victim.example").json()
    dns["attacker.example"] = [claimed["record_text"]]
    dns[claimed["record_name"]] = "alias:attacker.example"
    assert code(check(acme, claimed)) == (409, "domain_not_proven")


def test_a_large_answer_is_read_to_its_end(acme: Caller, dns) -> None:
    claimed = claim(acme).json()
    noise = [f"{number}" + "x" * 900 for number in range(60)]
    dns[claimed["record_name"]] = [*noise, claimed["record_text"]]
    assert check(acme, claimed).status_code == 200


@pytest.mark.drill
def test_a_silent_server_is_waited_for_no_longer_than_seconds(acme: Caller, settings) -> None:
    claimed = claim(acme).json()
    settings.PULSE_DNS_SERVERS = ["192.0.2.1"]
    assert code(check(acme, claimed)) == (409, "domain_unanswered")


def test_a_domain_says_nothing_of_those_below_it_or_above(acme: Caller, dns) -> None:
    proven(acme, dns)
    for other in ("mail.acme.example", "example", "evilacme.example", "acme.example.evil.example"):
        assert domains.organization_for(other) is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" ACME.Example. ", "acme.example"),
        ("Bücher。example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_however_it_is_written_it_is_one_domain(written: str, kept: str, acme: Caller, dns) -> None:
    assert proven(acme, dns, written)["domain"] == kept
    assert domains.organization_for(written) == "acme"
    assert code(claim(acme, kept)) == (409, "already_claimed")


@pytest.mark.parametrize(
    "domain",
    ["", "example", "127.0.0.1", "*.acme.example", "_a.acme.example", "eve@acme.example", "a..example",
     "https://acme.example", "acme.example:53", "xn--a.example", "a" * 64 + ".example", "a." * 130 + "b",
     "acme.example\0", 7],
)  # fmt: skip
def test_what_is_no_domain_is_refused(domain: object, acme: Caller) -> None:
    assert code(claim(acme, domain)) == (400, "invalid_domain")


@pytest.mark.parametrize("domain", ["gmail.com", "GMail.com.", "eve.gmx.de", "mailinator.com", "gmail。com"])
def test_where_anybody_has_a_mailbox_nobody_claims(domain: str, acme: Caller) -> None:
    assert code(claim(acme, domain)) == (400, "domain_refused")


def test_a_claim_is_of_its_organization_alone(acme: Caller, rival: Caller, dns) -> None:
    claimed = published(dns, claim(acme).json())
    assert code(check(rival, claimed)) == (404, "domain_claim_not_found")
    assert code(rival.delete(f"{DOMAINS}/{claimed['id']}")) == (404, "domain_claim_not_found")
    assert rival.get(DOMAINS).json()["results"] == []
    assert [one["domain"] for one in acme.get(DOMAINS).json()["results"]] == ["acme.example"]


def test_who_may_not_write_settings_only_reads(acme: Caller, dns) -> None:
    claimed = published(dns, claim(acme).json())
    viewer = Caller(Client(), member_token("acme", make_member("acme", roles=["viewer"])))
    assert viewer.get(DOMAINS).status_code == 200
    for refused in (claim(viewer, "b.example"), check(viewer, claimed), viewer.delete(f"{DOMAINS}/1")):
        assert code(refused) == (403, "permission_denied")


def test_whoever_may_not_check_makes_nobody_ask_the_dns(acme: Caller, dns) -> None:
    claimed = claim(acme).json()
    dns[claimed["record_name"]] = dns_server.FAILS
    with pytest.raises(PermissionRefused):
        domains.check("acme", claimed["id"], actor=acting(make_member("acme", roles=["viewer"])))


def test_an_organization_claims_and_checks_only_so_often(acme: Caller) -> None:
    claimed = [claim(acme, f"d{number}.example").json() for number in range(domains.MOST_CLAIMS)]
    assert code(claim(acme, "more.example")) == (409, "too_many_domains")
    last = [check(acme, claimed[0]) for _ in range(31)][-1]
    assert code(last) == (429, "rate_limit_exceeded")


def test_the_organization_sees_it_in_its_changelog(acme: Caller, dns) -> None:
    claimed = proven(acme, dns)
    check(acme, claimed)
    acme.delete(f"{DOMAINS}/{claimed['id']}")
    changes = [
        (one["verb"], one["subject"])
        for one in acme.get("/api/org/changes").json()["results"]
        if one["verb"].startswith("domain.")
    ]
    told = ["domain.release", "domain.verify", "domain.claim"]
    assert changes == [(verb, "acme.example") for verb in told]


def test_a_domain_without_its_record_is_lost_after_two_weeks_and_the_owner_told(acme: Caller, dns) -> None:
    proven(acme, dns)
    dns.clear()
    prove_again_after(days=13)
    assert domains.verified("acme") == ["acme.example"]
    prove_again_after(days=14)
    prove_again_after(days=15)
    assert domains.verified("acme") == []
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        (["owner@acme.example"], "A domain is no longer proven")
    ]
    assert "Whoever has come in by single sign-on before still does" in mail.outbox[0].body


def test_a_domain_whose_servers_fail_is_kept_for_two_months(acme: Caller, dns) -> None:
    claimed = proven(acme, dns)
    dns[claimed["record_name"]] = dns_server.FAILS
    prove_again_after(days=59)
    assert domains.verified("acme") == ["acme.example"]
    prove_again_after(days=60)
    assert domains.verified("acme") == []


def test_each_proof_begins_the_grace_anew(acme: Caller, dns) -> None:
    proven(acme, dns)
    prove_again_after(days=10)
    dns.clear()
    prove_again_after(days=20)
    assert domains.verified("acme") == ["acme.example"]


def test_a_purge_forgets_the_domains(acme: Caller, dns) -> None:
    proven(acme, dns)
    for step in STEPS["purged"]:
        step("acme")
    assert not DomainClaim.objects.exists()


@pytest.mark.parametrize("address", ["dns.example", "127.0.0.1:70000", ""])
def test_what_is_no_server_is_refused_at_the_start(address: str, settings) -> None:
    settings.PULSE_DNS_SERVERS = [address]
    [found] = (message for message in run_checks() if message.id == "tenants.E001")
    assert "127.0.0.1:5353" in found.hint


def test_the_daily_proof_is_scheduled() -> None:
    assert Schedule.objects.get(name="prove-domains").task == "tenants.tasks.prove_domains_again"


def test_a_domain_of_a_suspended_organization_is_proven_again(acme: Caller, dns) -> None:
    proven(acme, dns)
    lifecycle.suspend("acme", actor=SYSTEM)
    dns.clear()
    prove_again_after(days=14)
    assert domains.verified("acme") == []

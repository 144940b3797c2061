"""Domains that an organization claims, and proves to be its own by a TXT record.

Who signs in by an address of a proven domain is sent to its organization's identity provider, so a domain has
one holder, is proven by the DNS alone (whoever runs the web site need not run the mail), and is proven again
every day.
"""

import re
import secrets
from datetime import datetime, timedelta

import idna
import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from pulse import limits
from pulse.actors import Actor
from tenants import context, email_domains, errors, members, organizations, roles
from tenants.accounts import letters
from tenants.models import DomainClaim, User
from tenants.sso import dns_records

log = structlog.get_logger(__name__)

LONGEST_DOMAIN = 253
RECORD = "_pulse-verification"
PREFIX = "pulse-verification="
MOST_CLAIMS = 20
# Of one organization: the DNS servers that its claims lead to are not its to flood.
CHECK_RATE = "30/hour"
# For how long a domain stays proven after its last proof: while there is no record, and while nobody
# answers, be it that our own resolver is down.
GRACE_WITHOUT_RECORD, GRACE_UNANSWERED = timedelta(days=14), timedelta(days=60)


def organization_for(domain: str) -> str | None:
    """The id of the organization that has proven this very domain; a domain above it does not count."""
    try:
        name = normalized(domain)
    except errors.InvalidDomain:
        return None
    proven = DomainClaim.objects.filter(domain=name, verified_at__isnull=False)
    return proven.values_list("organization_id", flat=True).first()


def verified(organization_id: str) -> list[str]:
    """The domains that the organization has proven, sorted."""
    proven = DomainClaim.objects.filter(organization=organization_id, verified_at__isnull=False)
    return list(proven.order_by("domain").values_list("domain", flat=True))


def normalized(text: str) -> str:
    """The domain as the DNS writes it: lower case, punycode, no dot at its end. Raises `InvalidDomain`."""
    # Bounded before it is decoded, which takes longer the longer it is.
    if len(text) > LONGEST_DOMAIN + 1:
        raise errors.InvalidDomain
    try:
        name = idna.encode(text.strip(), uts46=True).decode().removesuffix(".")
    except (idna.IDNAError, UnicodeError):
        raise errors.InvalidDomain from None
    # A last label of digits alone makes it an IP address.
    if "." not in name or re.search(r"\.\d+\Z", name):
        raise errors.InvalidDomain
    return name


def record_of(claim: DomainClaim) -> tuple[str, str]:
    """The name and the text of the TXT record that proves the claim."""
    return f"{RECORD}.{claim.domain}", f"{PREFIX}{claim.token}"


def claim(organization_id: str, *, domain: str, actor: Actor) -> DomainClaim:
    """Say that a domain is the organization's, which a check is to prove.

    Anyone may claim anything: a refusal would tell who else is here. Raises `InvalidDomain`,
    `DomainRefused`, `AlreadyClaimed`, `TooManyDomains`.
    """
    name = normalized(domain)
    if email_domains.is_anybodys(name):
        raise errors.DomainRefused
    with members.changing(organization_id) as organization:
        members.require(actor, "write", "settings")
        if organization.domain_claims.filter(domain=name).exists():
            raise errors.AlreadyClaimed
        if organization.domain_claims.count() >= MOST_CLAIMS:
            raise errors.TooManyDomains
        made = DomainClaim.objects.create(
            organization=organization, domain=name, token=secrets.token_urlsafe(24)
        )
        _note("domain.claim", made, actor)
    return made


def check(organization_id: str, claim_id: int, *, actor: Actor) -> DomainClaim:
    """Look for the record now, which may take seconds, and keep what it proves.

    Raises `DomainClaimNotFound`, `DomainNotProven`, `DomainUnanswered`, `DomainTaken`, `RateLimited`.
    """
    with context.organization(organizations.living(organization_id).id):
        members.require(actor, "write", "settings")
    found = _find(organization_id, claim_id)
    _limit(organization_id)
    try:
        proves = _proves(found)
    except dns_records.Unanswered:
        raise errors.DomainUnanswered from None
    if not proves:
        raise errors.DomainNotProven
    with members.changing(organization_id):
        members.require(actor, "write", "settings")
        return _keep_proof(_find(organization_id, claim_id), actor)


def release(organization_id: str, claim_id: int, *, actor: Actor) -> None:
    """Give the domain up, proven or not. Raises `DomainClaimNotFound`."""
    with members.changing(organization_id):
        members.require(actor, "write", "settings")
        given_up = _find(organization_id, claim_id)
        _note("domain.release", given_up, actor)
        given_up.delete()


def prove_again(*, actor: Actor) -> list[str]:
    """Look at every proven domain once more; those that have lost their claim.

    The owners are told. A claim that cannot be looked at keeps no other from it.
    """
    lost = []
    for found in DomainClaim.objects.filter(verified_at__isnull=False).order_by("pk").iterator():
        try:
            if _look_again(found, actor):
                lost.append(found.domain)
        except Exception:
            log.exception("domain cannot be proven again", claim=found.pk)
    return lost


def _look_again(found: DomainClaim, actor: Actor) -> bool:
    """Whether the claim is lost by it."""
    now = timezone.now()
    grace = GRACE_WITHOUT_RECORD
    try:
        if _proves(found):
            DomainClaim.objects.filter(pk=found.pk).update(proven_at=now)
            return False
    except dns_records.Unanswered:
        grace = GRACE_UNANSWERED
    return _lose(found, actor, unproven_since=now - grace)


def _lose(found: DomainClaim, actor: Actor, *, unproven_since: datetime) -> bool:
    with members.changing(found.organization_id):
        lost = DomainClaim.objects.filter(
            pk=found.pk, verified_at__isnull=False, proven_at__lte=unproven_since
        ).update(verified_at=None)
        if lost:
            _note("domain.lose", found, actor)
            _tell_owners(found)
    return bool(lost)


def _proves(claimed: DomainClaim) -> bool:
    name, text = record_of(claimed)
    return text in dns_records.texts(name)


def _keep_proof(proven: DomainClaim, actor: Actor) -> DomainClaim:
    first = proven.verified_at is None
    proven.proven_at = timezone.now()
    proven.verified_at = proven.verified_at or proven.proven_at
    try:
        with transaction.atomic():
            proven.save(update_fields=("verified_at", "proven_at"))
    except IntegrityError:
        raise errors.DomainTaken from None
    if first:
        _note("domain.verify", proven, actor)
    return proven


def _find(organization_id: str, claim_id: int) -> DomainClaim:
    found = DomainClaim.objects.filter(organization=organization_id, pk=claim_id).first()
    if found is None:
        raise errors.DomainClaimNotFound
    return found


def _limit(organization_id: str) -> None:
    identifiers = ("domain-checks", organization_id)
    if not limits.hit(CHECK_RATE, *identifiers):
        raise limits.RateLimited(headers=limits.headers(CHECK_RATE, *identifiers))


def _note(verb: str, claimed: DomainClaim, actor: Actor) -> None:
    roles.book().note(verb, subject=claimed.domain, actor=actor, before=None, after=None)


def _tell_owners(lost: DomainClaim) -> None:
    for owner in User.objects.owners_of(lost.organization_id):
        letters.post(
            "sso/domain_lost",
            owner.email,
            domain=lost.domain,
            organization=lost.organization_id,
            recipient=str(owner.public_id),
        )

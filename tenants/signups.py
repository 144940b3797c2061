"""Sign-up: anyone may ask for a trial organization, and has it made by the link that they are mailed.

No answer, and no time that it takes, tells a known e-mail address from a new one: each leaves a row, and a
job finds out what to write to whom.
"""

from datetime import datetime, timedelta
from functools import partial

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from pulse import limits
from pulse.actors import Actor
from pulse.problems import Problem
from tenants import email_domains, errors, invitation_codes, metrics, provisioning
from tenants.accounts import letters
from tenants.models import InvitationCode, Organization, SignupRequest, User

GOOD_FOR = timedelta(hours=24)
SALT = "tenants.signups"
# What is limited, by which setting, and what its refusal says.
LIMITS = {
    "address": ("PULSE_SIGNUP_RATE", "Too many sign-ups from this address."),
    "email": ("PULSE_SIGNUP_EMAIL_RATE", "Too many sign-ups with this e-mail address."),
    "ceiling": ("PULSE_SIGNUP_CEILING", "Too many sign-ups at present."),
}


def admit(household: str) -> None:
    """Count an attempt of the address, well-formed or not. Raises `RateLimited`."""
    _limit("address", household)


def sign_up(*, email: str, name: str, invitation: str = "", actor: Actor) -> None:
    """Have the address mailed a link that makes the organization, or told that it has one.

    Raises `InvalidEmail`, `InvalidOrganizationName`, `EmailDomainRefused`, `InvitationRequired`,
    `TenantCapReached`, `RateLimited`.
    """
    email, name = provisioning.checked_email(email), provisioning.checked_name(name)
    try:
        code = _check(email, invitation)
    except Problem as refusal:
        metrics.signups_refused.labels(reason=refusal.code).inc()
        raise
    # After all that says no of itself, so that what is refused anyway uses up nothing of others.
    _limit("email", _mailbox(email))
    _limit("ceiling")
    if settings.PULSE_SIGNUP_DIRECT:
        provisioning.provision(email=email, name=name, actor=actor)
    else:
        _ask(SignupRequest(email=email, name=name, invitation=code))
    metrics.signups.inc()


def _check(email: str, invitation: str) -> InvitationCode | None:
    """The invitation, where one is needed. At the cap a known e-mail address is refused like any other."""
    if email_domains.is_refused(email):
        raise errors.EmailDomainRefused
    code = None
    if settings.PULSE_STAGE == "private_beta":
        code = invitation_codes.recognise(invitation, email=email)
    provisioning.check_cap()
    return code


def _limit(of: str, *identifiers: str) -> None:
    setting, detail = LIMITS[of]
    notation = getattr(settings, setting)
    if limits.hit(notation, "signup", of, *identifiers):
        return
    metrics.signups_refused.labels(reason=f"{of}_rate").inc()
    raise limits.RateLimited(detail, headers=limits.headers(notation, "signup", of, *identifiers))


def _mailbox(email: str) -> str:
    """Where the mail arrives: without the part from a `+` on, which its owner makes up."""
    local, _, domain = email.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


@transaction.atomic
def _ask(request: SignupRequest) -> None:
    from tenants.tasks import answer_signups

    request.save(force_insert=True)
    answer_signups.enqueue()


def answer() -> int:
    """Write to whoever has asked and has no answer yet, each once; how many."""
    waiting = SignupRequest.objects.filter(answered_at=None).order_by("pk")
    return sum(_answer(request) for request in waiting[:500])


@transaction.atomic
def _answer(request: SignupRequest) -> bool:
    mine = SignupRequest.objects.filter(pk=request.pk, answered_at=None)
    if not mine.update(answered_at=timezone.now()):
        return False
    if _has_account(request.email):
        link = letters.address_of(reverse("account_reset_password"))
        letters.post("signup/already", request.email, link=link)
    else:
        letters.post("signup/finish", request.email, link=link_of(request))
    return True


def _has_account(email: str) -> bool:
    """Whether there is nothing to finish: an organization that the address asked for, or a barred person."""
    asked_before = Organization.objects.filter(signup_email=email)
    return asked_before.exists() or User.objects.filter(email=email, is_active=False).exists()


def link_of(request: SignupRequest) -> str:
    token = signing.dumps(request.pk, salt=SALT)
    return letters.address_of(reverse("signup_finish", args=(token,)))


def pending(token: str) -> SignupRequest:
    """The request whose link this is. Raises `SignupLinkInvalid` for one that is forged, used or too old."""
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise errors.SignupLinkInvalid from None
    oldest = timezone.now() - GOOD_FOR
    request = SignupRequest.objects.filter(pk=pk, used_at=None, created_at__gt=oldest).first()
    if request is None:
        raise errors.SignupLinkInvalid
    return request


def needs_password(request: SignupRequest) -> bool:
    """Whether the person has none yet; a link does not change one that is there."""
    known = User.objects.filter(email=request.email).first()
    return known is None or not known.has_usable_password()


def finish(request: SignupRequest, *, password: str, actor: Actor) -> User:
    """Make the organization and give its owner the password, if they have none; the owner.

    Raises `SignupLinkInvalid`, `InvitationRequired` when the invitation has been used up or revoked
    meanwhile, and whatever provisioning raises.
    """
    settle = partial(_settle, request, make_password(password) if password else "")
    provisioned = provisioning.provision(
        email=request.email, name=request.name, actor=actor, with_owner=settle
    )
    if provisioned.existing:
        # Another link of the same address was faster.
        raise errors.SignupLinkInvalid
    return User.objects.get(email=request.email)


def _settle(request: SignupRequest, password_hash: str, owner: User) -> None:
    """In the transaction of the provisioning: use up the link and the invitation, and set the password."""
    if not SignupRequest.objects.filter(pk=request.pk, used_at=None).update(used_at=timezone.now()):
        raise errors.SignupLinkInvalid
    if request.invitation is not None:
        invitation_codes.count_use(request.invitation)
    if password_hash and not owner.has_usable_password():
        owner.password = password_hash
        owner.save(update_fields=("password",))
    EmailAddress.objects.update_or_create(
        user=owner, email=owner.email, defaults={"verified": True, "primary": True}
    )


def tidy(*, now: datetime | None = None) -> int:
    """Drop the requests whose links are of no use any more; how many."""
    over = SignupRequest.objects.filter(created_at__lt=(now or timezone.now()) - GOOD_FOR)
    return over.delete()[0]

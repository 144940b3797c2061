"""The refusals of single sign-on, each with its code and HTTP status."""

from pulse.problems import InvalidRequest, NotFound, Problem
from tenants.errors import NotAuthenticated


class NoConnection(NotFound):
    code = "sso_not_found"
    detail = "No sign-in by an organization is set up here."


class InvalidConnection(InvalidRequest):
    code = "invalid_sso_connection"
    detail = (
        "The issuer is an https address, the client has an id and a secret, a session 5 to 43200 minutes."
    )


class SecretNeeded(InvalidRequest):
    code = "sso_secret_needed"
    detail = "An issuer that is new here needs its client secret. The present one is not sent to another."


class InvalidGroups(InvalidRequest):
    code = "invalid_sso_groups"
    detail = "At most 200 pairs of a group, of 1 to 255 characters in one line, and a role."


class NotReady(Problem):
    status = 409
    code = "sso_not_ready"
    detail = "Sign-in takes a verified domain, a group that has a role, and an owner for emergencies."


class NotEnabled(Problem):
    status = 409
    code = "sso_not_enabled"
    detail = "Sign-in by the organization is not enabled."


class NotLockedOut(Problem):
    status = 409
    code = "sso_not_locked_out"
    detail = "Passwords are let in here, and the provider keeps no owner from using theirs."


class EmergencyOwner(Problem):
    status = 409
    code = "sso_emergency_owner"
    detail = (
        "This person is the owner for emergencies: an owner and admin with a password. Name another first."
    )


class SsoRequired(NotAuthenticated):
    code = "sso_required"
    detail = "This organization asks for its own sign-in. Sign in with your organization."


class ConfinedSession(Problem):
    status = 403
    code = "sso_session"
    detail = "Your organization has signed you in. To change your account, sign in to it with its password."


class SignInRefused(Problem):
    """The provider, or what it says, does not let this person in."""

    status = 403
    code = "sso_refused"
    detail = "Your organization's sign-in did not let you in."


class Canceled(SignInRefused):
    code = "sso_access_denied"
    detail = "Your organization's sign-in was refused or canceled."


class StateUnknown(SignInRefused):
    status = 400
    code = "sso_state_unknown"
    detail = (
        "This sign-in was not begun in this browser, is over, or took longer than 10 minutes. Begin again."
    )


class NotAskedAnew(SignInRefused):
    code = "sso_not_asked_anew"
    detail = (
        "Your organization's sign-in has not asked you anew who you are, or does not say when it did "
        "(auth_time). Ask your administrator."
    )


class NoGroup(SignInRefused):
    code = "sso_no_group"
    detail = "None of your groups has a role here. Ask your organization's administrator."


class EmailUnverified(SignInRefused):
    code = "sso_email_unverified"
    detail = "Your organization's sign-in does not say that your e-mail address is verified."


class EmailElsewhere(SignInRefused):
    code = "sso_email_elsewhere"
    detail = "Your e-mail address is not of a domain that is verified for this organization."


class AccountElsewhere(SignInRefused):
    """Also of operators and of those shut out: who asks learns no more than that it is there."""

    code = "sso_account_elsewhere"
    detail = "An account with your e-mail address cannot be used here. Ask your organization's administrator."


class ByPassword(SignInRefused):
    code = "sso_emergency_owner_by_password"
    detail = "The owner for emergencies signs in with a password."


class ClaimsRefused(SignInRefused):
    code = "sso_claims_refused"
    detail = "What your organization's sign-in says of you is too large, or is not well-formed."


class TokenRefused(SignInRefused):
    code = "sso_token_refused"
    detail = "What your organization's sign-in has sent is not genuine, or is not meant for this sign-in."


class ProviderFailed(Problem):
    status = 502
    code = "sso_provider_failed"
    by_design = True
    detail = "Your organization's sign-in does not answer as it must. Try again, or ask your administrator."


class IssuerMismatch(ProviderFailed):
    code = "sso_issuer_mismatch"
    detail = "Your organization's sign-in says that it is another one. Ask your administrator."


class AddressRefused(ProviderFailed):
    code = "sso_address_refused"
    detail = "The sign-in's address is not a public https address."

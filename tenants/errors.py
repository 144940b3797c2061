"""The refusals of tenants, each with its code and HTTP status."""

from pulse.problems import InvalidRequest, NotFound, Problem, Unavailable


class OrganizationNotFound(NotFound):
    detail = "There is no such organization."


class DefaultOrganizationImmutable(Problem):
    status = 400
    code = "default_org_immutable"
    detail = "The default organization cannot be suspended, deleted or purged."


class AlreadySuspended(Problem):
    status = 409
    code = "already_suspended"
    detail = "The organization is suspended already."


class NotSuspended(Problem):
    status = 409
    code = "not_suspended"
    detail = "The organization is not suspended."


class AlreadyPendingDeletion(Problem):
    status = 409
    code = "already_pending_deletion"
    detail = "The organization is pending deletion already."


class NotPendingDeletion(Problem):
    status = 409
    code = "not_pending_deletion"
    detail = "The organization is not pending deletion."


class NotSynthetic(Problem):
    status = 409
    code = "not_synthetic"
    detail = "Only what a drill has made for itself is erased before its time."


class RetentionNotOver(Problem):
    status = 409
    code = "retention_not_over"
    detail = "The organization's retention is not over."


class PurgeRefused(Problem):
    status = 409
    code = "purge_refused"
    detail = "A part of the organization refuses to be purged."


class PurgeFailed(Problem):
    status = 503
    code = "purge_failed"
    detail = "The organization could not be purged and is kept as it was. The logs tell why."


class InvalidRetentionDays(InvalidRequest):
    code = "invalid_retention_days"
    detail = "Retention is a whole number of days from 1 to 3650."


class InvalidEmail(InvalidRequest):
    code = "invalid_email"
    detail = "This is not a valid e-mail address."


class EmailDomainRefused(InvalidRequest):
    code = "email_domain_refused"
    detail = "Addresses of this domain cannot sign up. Use one that will still reach you next month."


class SignupLinkInvalid(Problem):
    status = 410
    code = "signup_link_invalid"
    detail = "This link is not valid any more: it works once, for 24 hours. Sign up again for a new one."


class InvalidInvitation(InvalidRequest):
    code = "invalid_invitation"
    detail = "An invitation has 1 to 10000 uses, lasts 1 to 365 days, and has a note of one line."


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    detail = "There is no such invitation code."


class InvalidOrganizationName(InvalidRequest):
    code = "invalid_org_name"
    detail = "A name has 3 to 64 characters, none of them a control character or a slash."


class InvalidOrganizationId(InvalidRequest):
    code = "invalid_org_id"
    detail = "An id has 1 to 63 of a-z, 0-9 and -, and neither begins nor ends with -."


class OrganizationIdTaken(Problem):
    status = 409
    code = "org_id_taken"
    detail = "This id is or was used by an organization."


class InvitationRequired(Problem):
    status = 403
    code = "invitation_required"
    detail = "Sign-up is by invitation only."


class TenantCapReached(Problem):
    status = 503
    code = "tenant_cap_reached"
    by_design = True
    detail = "No more organizations can sign up at present."


class ProvisioningFailed(Problem):
    status = 503
    code = "provisioning_failed"
    detail = "The organization could not be made, and nothing of it was kept. Try again later."


class AccessDenied(Problem):
    status = 403
    code = "access_denied"
    detail = "There is no such organization, or you are not a member of it."


class OrganizationSuspended(Problem):
    status = 403
    code = "org_suspended"
    detail = "This organization is suspended. Ask the operator of this service, who can lift it."


class OrganizationPendingDeletion(Problem):
    status = 403
    code = "org_pending_deletion"
    detail = "This organization is going to be deleted. Ask the operator of this service, who can restore it."


class StateUnavailable(Unavailable):
    code = "state_unavailable"
    detail = "The organization's state cannot be read at present. Try again in a moment."


class StateChanged(Problem):
    status = 503
    code = "state_changed"
    detail = "The organization's state has just changed. Try again."


class TenantRateLimitExceeded(Problem):
    status = 429
    code = "tenant_rate_limit_exceeded"
    detail = "This organization sends more requests than its limit allows."


class NotAuthenticated(Problem):
    status = 401
    code = "not_authenticated"
    detail = "Send a token as 'Authorization: Bearer pulse_…', or sign in."


class InvalidToken(NotAuthenticated):
    code = "invalid_token"
    detail = "The token is unknown, malformed, revoked or expired."


class SessionEnded(NotAuthenticated):
    code = "session_ended"
    detail = "Your sessions in this organization have been ended. Sign in again."


class SessionNeeded(Problem):
    status = 409
    code = "session_needed"
    detail = "A token works in its own organization; only a session chooses one."


class SupportReadOnly(Problem):
    status = 403
    code = "support_read_only"
    detail = "Support reads. What it may write, beside who may get in, the organization's admin decides."


class InvalidMinutes(InvalidRequest):
    code = "invalid_minutes"
    detail = "Support access lasts 1 to 60 minutes."


class ScopeMissing(Problem):
    status = 403
    code = "scope_missing"
    detail = "The token's scopes do not cover this request."


class InvalidScope(InvalidRequest):
    code = "invalid_scope"
    detail = "The scopes are read, write, check and metrics."


class InvalidTokenName(InvalidRequest):
    code = "invalid_token_name"
    detail = "A token's name is one line of at most 100 characters."


class InvalidExpiry(InvalidRequest):
    code = "invalid_expiry"
    detail = "A token expires after 1 to 3650 days, or never."


class SecondFactorRequired(Problem):
    status = 403
    code = "second_factor_required"
    detail = "Operators need a second factor. Add one to your account, under /account/2fa/."


class InvalidOverlap(InvalidRequest):
    code = "invalid_overlap"
    detail = "A rotated token works on for 0 to 168 hours."


class TokenNotFound(NotFound):
    detail = "There is no such token of yours in this organization."


class TokenOver(Problem):
    status = 409
    code = "token_over"
    detail = "The token has expired or was revoked. Make a new one."


class NotAMember(Problem):
    status = 409
    code = "not_a_member"
    detail = "The user is not a member of the organization."


class NotAnOperator(Problem):
    status = 409
    code = "not_an_operator"
    detail = "The user is not an operator."


class UserNotFound(NotFound):
    code = "user_not_found"
    detail = "There is no such person."


class UserExists(Problem):
    status = 409
    code = "user_exists"
    detail = "A person with this e-mail address exists already. Change their groups on their page."


class UnknownGroup(InvalidRequest):
    code = "unknown_group"
    detail = "There is no such group of operators."


class NotYourself(Problem):
    status = 403
    code = "not_yourself"
    detail = "Nobody changes their own access. Ask another operator."


class BeyondYourself(Problem):
    status = 403
    code = "beyond_yourself"
    detail = "This would reach further than your own permissions do."


class LastOwner(Problem):
    status = 409
    code = "last_owner"
    detail = "An organization has an owner. Make somebody else one first."


class OwnersOnly(Problem):
    status = 403
    code = "owners_only"
    detail = "Only an owner of the organization may do this."


class SeatLimitReached(Problem):
    status = 402
    code = "seat_limit_reached"
    detail = "All seats of the organization's plan are taken. Remove somebody, or take a larger plan."


class AlreadyAMember(Problem):
    status = 409
    code = "already_a_member"
    detail = "The person is a member of the organization already."


class AlreadyInvited(Problem):
    status = 409
    code = "already_invited"
    detail = "There is an invitation for this address already. Send it again, or revoke it."


class InvalidInvitationDays(InvalidRequest):
    code = "invalid_expiry"
    detail = "An invitation lasts 1 to 30 days."


class MemberInvitationNotFound(NotFound):
    code = "invitation_not_found"
    detail = "There is no such open invitation to this organization."


class InvitationLinkInvalid(Problem):
    status = 410
    code = "invitation_link_invalid"
    detail = "This invitation is not valid any more: it was used, revoked or has expired. Ask for a new one."


class InvitedAsSomebodyElse(Problem):
    status = 403
    code = "invited_as_somebody_else"
    detail = "The invitation is for another e-mail address. Sign out, and open the link again."


class PasswordNeeded(Problem):
    status = 401
    code = "sign_in_first"
    detail = "There is an account with this address. Sign in with it, and open the link again."


class InvalidDomain(InvalidRequest):
    code = "invalid_domain"
    detail = "This is not a domain, such as example.com."


class DomainRefused(InvalidRequest):
    code = "domain_refused"
    detail = "Anybody may have an address of this domain, so no organization can have it for itself."


class AlreadyClaimed(Problem):
    status = 409
    code = "already_claimed"
    detail = "Your organization claims this domain already."


class TooManyDomains(Problem):
    status = 409
    code = "too_many_domains"
    detail = "An organization claims at most 20 domains. Give one up first."


class DomainClaimNotFound(NotFound):
    code = "domain_claim_not_found"
    detail = "There is no such domain of your organization."


class DomainNotProven(Problem):
    status = 409
    code = "domain_not_proven"
    detail = "The TXT record was not found. After a change the DNS can take hours to show it everywhere."


class DomainUnanswered(Problem):
    status = 409
    code = "domain_unanswered"
    detail = "The domain's DNS servers do not answer. Try again later."


class DomainTaken(Problem):
    status = 409
    code = "domain_taken"
    detail = "Another organization has proven this domain. It gives it up, or removes its record, first."


class NothingSelected(InvalidRequest):
    code = "nothing_selected"
    detail = "Select at least one organization."


class TooManySelected(InvalidRequest):
    code = "too_many_selected"
    detail = "Select at most 10,000 organizations at once."


class AlreadyFinished(Problem):
    status = 409
    code = "already_finished"
    detail = "The run is over already."


class NeedsCare(Problem):
    status = 409
    code = "needs_care"
    detail = "Something is wrong with the organization's data."

"""The mails about an account: their words, as a table, and how they are handed over to the outbox.

Their links lead to `PULSE_PUBLIC_URL`, whatever host a request claims to be for. None repeats what a stranger
has typed, so that nobody can have Pulse carry their words to an address.
"""

from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string

from pulse import outbox

IGNORE = "If this was not you, you need not do anything."
ALARM = (
    "If this was not you, reset your password at once and tell us: somebody else has been in your account."
)


@dataclass(frozen=True, slots=True)
class Letter:
    """`body` and `after` stand before and after the link, which `action` names."""

    subject: str
    body: str
    action: str = ""
    after: str = IGNORE


def _notice(subject: str, body: str) -> Letter:
    return Letter(subject, body, after=ALARM)


LETTERS = {
    "signup/finish": Letter(
        "Finish your sign-up",
        "Somebody signed up with this e-mail address. Follow the link within 24 hours to set a password "
        "and make your organization. Nothing is made before.",
        "Finish the sign-up",
    ),
    "signup/already": Letter(
        "You already have an account",
        "Somebody signed up with this e-mail address, and it has an account already. Sign in with it. "
        "If you do not know the password, the link lets you set a new one.",
        "Set a new password",
    ),
    "members/invitation": Letter(
        "You are invited to an organization",
        "You are invited to the organization {organization}. Follow the link to join it, once, before the "
        "invitation expires.",
        "Join",
    ),
    "members/removed": Letter(
        "You have been removed from an organization",
        "You are no longer a member of the organization {organization}. Your account, and your other "
        "organizations, stay as they are.",
        after="If you did not expect this, ask the organization's owner.",
    ),
    "members/owner": Letter(
        "You own an organization",
        "You have been made an owner of the organization {organization}.",
        after="If you did not expect this, ask the organization's other members.",
    ),
    "support/started": Letter(
        "Support looks into your organization",
        "An operator of this service looks into the organization {organization}, until {until} at the "
        "latest. They may {what}. Their reason: {reason}",
        after="It is in your organization's changelog, and an admin of yours can end it at once.",
    ),
    "sso/domain_lost": Letter(
        "A domain is no longer proven",
        "The TXT record of {domain} has not been found for a while, so the domain no longer counts as one "
        "of the organization {organization}: by single sign-on nobody new comes in with an address of it. "
        "Whoever has come in by single sign-on before still does.",
        after="Publish the record again and have it checked, or give the domain up.",
    ),
    "sso/let_in": Letter(
        "You can sign in with your password",
        "An operator of this service has let the owners of the organization {organization} in by password, "
        "whatever its identity provider says. Their reason: {reason}",
        after="Sign in with your password, or reset it first, and mend or remove the provider. It is in your "
        "organization's changelog; if nobody of yours has asked for it, tell us.",
    ),
    "account/email/unknown_account": Letter(
        "There is no account with this address",
        "Somebody asked for a new password for this e-mail address, and no account has it. "
        "You may have signed up with another one.",
    ),
    "account/email/password_reset_key": Letter(
        "Set a new password",
        "Somebody asked for a new password for your account. The link lets you set one, once, "
        "within 24 hours.",
        "Set a new password",
    ),
    "account/email/email_confirmation": Letter(
        "Confirm your e-mail address",
        "Somebody gave this e-mail address for their account. Confirm that it is yours.",
        "Confirm the address",
    ),
    "account/email/email_changed": _notice(
        "Your e-mail address has changed",
        "You now sign in with {to_email} in the place of {from_email}.",
    ),
    "account/email/email_confirm": _notice(
        "Your e-mail address is confirmed", "This e-mail address is confirmed, and you sign in with it."
    ),
    "account/email/email_deleted": _notice(
        "An e-mail address was removed", "The e-mail address {deleted_email} was removed from your account."
    ),
    "account/email/password_changed": _notice(
        "Your password was changed", "The password of your account was changed."
    ),
    "account/email/password_reset": _notice(
        "Your password was reset", "The password of your account was reset by a mailed link."
    ),
    "account/email/password_set": _notice("A password was set", "A password was set for your account."),
    "mfa/email/totp_activated": _notice(
        "An authenticator app was added", "Your account now asks for a code of an authenticator app."
    ),
    "mfa/email/totp_deactivated": _notice(
        "The authenticator app was removed", "Your account no longer asks for a code of an authenticator app."
    ),
    "mfa/email/webauthn_added": _notice(
        "A security key was added", "A security key was added to your account."
    ),
    "mfa/email/webauthn_removed": _notice(
        "A security key was removed", "A security key was removed from your account."
    ),
    "operator/factors_removed": _notice(
        "Your second factors were removed",
        "An operator has removed the second factors and recovery codes of your account, because somebody "
        "said that they are lost. Add new ones when you have signed in.",
    ),
    "mfa/email/recovery_codes_generated": _notice(
        "New recovery codes", "New recovery codes were made for your account; the earlier ones are void."
    ),
}


def post(
    name: str, to: str, *, link: str = "", organization: str = "", recipient: str = "", **words: object
) -> None:
    """Hand the letter over, to be sent once the transaction has committed.

    One about an organization stands in its story, with the public id of the recipient, who may have none.
    """
    letter = LETTERS[name]
    context = {
        "body": letter.body.format_map(words | {"organization": organization}),
        "action": letter.action,
        "link": link,
        "after": letter.after,
        "contact": settings.PULSE_SUPPORT_CONTACT,
    }
    outbox.put(
        to=to,
        subject=letter.subject,
        text=render_to_string("account/letter.txt", context),
        html=render_to_string("account/letter.html", context),
        about=name,
        organization=organization,
        recipient=recipient,
    )


def address_of(path: str) -> str:
    return settings.PULSE_PUBLIC_URL.rstrip("/") + path

"""A new password by a mailed link. What is answered, and when, tells nobody whether there is an account."""

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.utils import user_pk_to_url_str
from django.http import HttpRequest

from tenants.accounts import letters


class ResetForm(ResetPasswordForm):
    """Looks nobody up: a job does, which takes as long as it takes."""

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        from tenants.tasks import mail_password_reset

        email: str = self.cleaned_data["email"]
        mail_password_reset.enqueue(email)
        return email


def write_to(email: str) -> int:
    """Mail the link to whose account it is, or that there is none; how many accounts."""
    users = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
    if not users:
        letters.post("account/email/unknown_account", email)
    for user in users:
        secret = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
        link = get_adapter().get_reset_password_from_key_url(f"{user_pk_to_url_str(user)}-{secret}")
        letters.post("account/email/password_reset_key", user.email, link=link)
    return len(users)

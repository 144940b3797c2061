"""The pages of an account that django-allauth has none of, or lacks something on."""

from typing import Any, cast

from allauth.account.views import LoginView
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.forms import LoginWebAuthnForm
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.generic import TemplateView

from pulse import hosted_mode, limits
from pulse.problems import respond
from tenants import choice
from tenants.accounts import attempts, history
from tenants.accounts.factors import FACTORS
from tenants.models import User


class SignIn(LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(signups_open=hosted_mode.state().open, **kwargs)


class AnswerField(forms.JSONField):
    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise ValidationError("It is nested too deeply.", code="invalid") from error


class PasskeyForm(LoginWebAuthnForm):
    """`claimed` is whose key it is by its own word, worth as much as an address that somebody types."""

    credential = AnswerField()
    claimed: User | None = None

    def clean_credential(self) -> Authenticator:
        said = self.cleaned_data["credential"]
        try:
            auth.parse_authentication_response(said)
        except KeyError as error:  # allauth expects no answer that lacks what it is known by.
            raise get_adapter().validation_error("incorrect_code") from error
        self.claimed = cast(User, auth.extract_user_from_response(said))
        return super().clean_credential()


class PasskeySignIn(LoginWebAuthnView):
    """Each challenge is kept in a session of its own, so they are counted as tries of a password are."""

    form_class = PasskeyForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not attempts.admit_passkey(request):
            return respond(request, limits.RateLimited())
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: PasskeyForm) -> HttpResponse:
        history.failed(self.request, form.claimed)
        answer: HttpResponse = super().form_invalid(form)
        return answer


class Home(LoginRequiredMixin, TemplateView):
    """What a person may change about their account, and where they belong."""

    template_name = "account/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = cast(User, self.request.user)
        return super().get_context_data(
            memberships=choice.organizations_of(self.request),
            in_use=choice.in_use(self.request),
            has_factor=is_mfa_enabled(user, FACTORS),
            **kwargs,
        )

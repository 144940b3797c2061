"""The pages by which people sign up: the form, and where the mailed link leads."""

from dataclasses import replace
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from pulse.actors import Actor, from_request
from pulse.clients import household_of
from pulse.problems import Problem
from tenants import signups
from tenants.accounts.first_password import FirstPasswordForm
from tenants.models import SignupRequest

FIELDS = {
    "invalid_email": "email",
    "email_domain_refused": "email",
    "invalid_org_name": "org_name",
    "invitation_required": "invitation",
}


class SignupForm(forms.Form):
    email = forms.CharField(
        label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    org_name = forms.CharField(
        label="Organization",
        max_length=64,
        help_text="Its name: 3 to 64 characters.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class InvitedSignupForm(SignupForm):
    invitation = forms.CharField(
        label="Invitation code", max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class SignupPage(FormView[forms.Form]):
    template_name = "account/signup.html"

    def get_form_class(self) -> type[forms.Form]:
        return InvitedSignupForm if settings.PULSE_STAGE == "private_beta" else SignupForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            signups.admit(household_of(request))
        except Problem as refusal:
            return self._refuse(self.get_form(), refusal)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        wanted = form.cleaned_data
        try:
            signups.sign_up(
                email=wanted["email"],
                name=wanted["org_name"],
                invitation=wanted.get("invitation", ""),
                actor=_signing_up(self.request),
            )
        except Problem as refusal:
            return self._refuse(form, refusal)
        return render(self.request, "account/signup_sent.html", {"email": wanted["email"]})

    def _refuse(self, form: forms.Form, refusal: Problem) -> HttpResponse:
        form.is_valid()  # Django adds no error to a form that it has not looked at.
        blamed = FIELDS.get(refusal.code)
        form.add_error(blamed if blamed in form.fields else None, refusal.detail)
        response = self.form_invalid(form)
        response.status_code = refusal.status
        for name, value in refusal.headers.items():
            response[name] = value
        return response


@method_decorator(never_cache, name="dispatch")
class FinishPage(FormView[FirstPasswordForm]):
    """Opening the link changes nothing, because mail scanners do so, too; the button makes all."""

    template_name = "account/signup_finish.html"
    form_class = FirstPasswordForm

    @cached_property
    def pending(self) -> SignupRequest:
        return signups.pending(self.kwargs["token"])

    def get_form_kwargs(self) -> dict[str, Any]:
        asked = {"email": self.pending.email, "is_needed": signups.needs_password(self.pending)}
        return super().get_form_kwargs() | asked

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(pending=self.pending, **kwargs)

    def form_valid(self, form: FirstPasswordForm) -> HttpResponse:
        password = form.cleaned_data.get("password", "")
        try:
            owner = signups.finish(self.pending, password=password, actor=_signing_up(self.request))
        except Problem as refusal:
            form.add_error(None, refusal.detail)
            return self.form_invalid(form)
        messages.success(self.request, f"{self.pending.name} is made.")
        if not password:
            return HttpResponseRedirect(reverse("account_login"))
        record_authentication(self.request, owner, method="password", email=owner.email)
        return perform_login(self.request, Login(user=owner, email=owner.email))


def _signing_up(request: HttpRequest) -> Actor:
    """Nobody yet; in the audit log by what they do."""
    actor = from_request(request, door="page")
    return replace(actor, kind="anonymous", name="sign-up", user=None)

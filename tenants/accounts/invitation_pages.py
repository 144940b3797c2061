"""Where the link of an invitation leads: join with the account one has, or with a new one."""

from dataclasses import replace
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from pulse.actors import from_request
from pulse.problems import Problem
from tenants import choice, errors, invitations
from tenants.accounts.first_password import FirstPasswordForm
from tenants.models import Invitation, Membership, User


@method_decorator(never_cache, name="dispatch")
class InvitationPage(FormView[FirstPasswordForm]):
    """Opening the link changes nothing, because mail scanners do so, too; the button joins."""

    template_name = "account/invitation.html"
    form_class = FirstPasswordForm

    @cached_property
    def invitation(self) -> Invitation:
        return invitations.pending(self.kwargs["token"])

    def get_form_kwargs(self) -> dict[str, Any]:
        asked = {
            "email": self.invitation.email,
            "is_needed": invitations.needs_password(self.invitation),
        }
        return super().get_form_kwargs() | asked

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        known = not invitations.needs_password(self.invitation)
        login = f"{reverse('account_login')}?{urlencode({'next': self.request.path})}"
        return super().get_context_data(
            invitation=self.invitation,
            sign_in_at=login if known and user.is_anonymous else "",
            is_somebody_else=user.is_authenticated and user.email != self.invitation.email,
            **kwargs,
        )

    def form_valid(self, form: FirstPasswordForm) -> HttpResponse:
        try:
            membership = self._join(form.cleaned_data.get("password", ""))
        except Problem as refusal:
            form.add_error(None, refusal.detail)
            response = self.form_invalid(form)
            response.status_code = refusal.status
            return response
        messages.success(self.request, f"You are a member of {membership.organization.display_name}.")
        return self._signed_in(membership)

    def _join(self, password: str) -> Membership:
        if password:
            actor = replace(
                from_request(self.request, door="page"), kind="anonymous", name="invitation", user=None
            )
            return invitations.accept_with_password(self.invitation, password=password, actor=actor)
        user = self.request.user
        if not isinstance(user, User):
            raise errors.PasswordNeeded
        actor = from_request(self.request, door="page")
        return invitations.accept(self.invitation, user=user, actor=actor)

    def _signed_in(self, membership: Membership) -> HttpResponse:
        user = membership.user
        if self.request.user == user:
            choice.choose(self.request, membership.organization_id)
            return HttpResponseRedirect(reverse("account_home"))
        if self.request.user.is_authenticated:
            return HttpResponseRedirect(reverse("account_login"))
        record_authentication(self.request, user, method="password", email=user.email)
        return perform_login(self.request, Login(user=user, email=user.email))


class SwitchPage(FormView[forms.Form]):
    """Choose the organization that the session acts in; the account's page has the list."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        choice.choose(request, request.POST.get("organization", ""))
        return HttpResponseRedirect(reverse("account_home"))

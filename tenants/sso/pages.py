"""Where a person signs in with their organization: by its own address, or by their e-mail address.

A sign-in begins by a link, because the policy of Pulse's pages lets no form lead to another host.
"""

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django import forms
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, View

from pulse import limits
from pulse.clients import household_of
from pulse.problems import Problem, as_problem
from tenants.models import Membership, User
from tenants.sso import claims, domains, errors, provider, sessions, sign_in

# Of one address: each start has Pulse ask a provider something.
RATE = "60/minute"
# More refusals than this of one organization are in the log alone, so that nobody fills the audit log.
REFUSALS_KEPT = "200/hour"
HTML_METHODS = ("get",)


class EmailForm(forms.Form):
    email = forms.EmailField(
        label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )


@method_decorator(never_cache, name="dispatch")
class Find(FormView[EmailForm]):
    """By the address' domain; what has no sign-in and what is unknown are answered alike."""

    template_name = "account/sso.html"
    form_class = EmailForm

    def form_valid(self, form: EmailForm) -> HttpResponse:
        _require_rate(self.request)
        organization = _organization_of(form.cleaned_data["email"])
        return self.render_to_response(
            self.get_context_data(form=form, organization=organization, was_asked=True)
        )


class _SignIn(View):
    """A step of one organization's sign-in; a refusal is a page, and in the organization's audit log."""

    http_method_names = HTML_METHODS

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        connection = None
        try:
            _require_rate(request)
            connection = provider.usable(kwargs["organization_id"])
            return self.step(provider.Conversation(request, connection))
        except Exception as error:
            problem = as_problem(error)
            if problem is None:
                raise
            if connection is not None:
                _record(connection.organization_id, problem, request)
            return _refuse(request, problem)

    def step(self, conversation: provider.Conversation) -> HttpResponse:
        raise NotImplementedError


class Start(_SignIn):
    def step(self, conversation: provider.Conversation) -> HttpResponse:
        return HttpResponseRedirect(conversation.address_to_begin_at())


class Confirm(_SignIn):
    """Where a person who is in proves anew that it is them, for a page that asks for it."""

    def step(self, conversation: provider.Conversation) -> HttpResponse:
        page = get_next_redirect_url(conversation.request) or reverse("account_home")
        return HttpResponseRedirect(conversation.address_to_confirm_at(page))


class Callback(_SignIn):
    """Where the provider sends the browser back to."""

    def step(self, conversation: provider.Conversation) -> HttpResponse:
        request, connection = conversation.request, conversation.connection
        state = conversation.state()
        if error := request.GET.get("error"):
            self._was_refused(error, connection.organization_id)
        token = conversation.id_token(state)
        said = claims.read(token, groups_claim=connection.groups_claim)
        if said.asked_at < state.get("asked_since", 0) - provider.LEEWAY_SECONDS:
            raise errors.NotAskedAnew
        membership = sign_in.admit(connection, said, request_id=_request_id(request))
        return _signed_in(request, membership, proved_at=said.asked_at, page=state.get("page"))

    def _was_refused(self, error: str, organization_id: str) -> None:
        if error != "access_denied":
            raise errors.ProviderFailed
        # The answer names nobody: it is of whoever this browser is signed in as there.
        user = self.request.user
        if isinstance(user, User) and sessions.organization_of(self.request) == organization_id:
            sign_in.end_vouching(organization_id, user, request_id=_request_id(self.request))
        raise errors.Canceled


def _signed_in(
    request: HttpRequest, membership: Membership, *, proved_at: float, page: str | None
) -> HttpResponse:
    """A second factor of the person's is still asked for, whatever they have been signed in as here.

    A session of their own would have this sign-in in it and not be confined, and allauth's page asks nobody
    for a factor who is signed in.
    """
    user = membership.user
    if request.user.is_authenticated:
        logout(request)
    record_authentication(
        request, user, method="sso", organization=membership.organization_id, proved_at=proved_at
    )
    bounds = sessions.bounds(membership)
    return perform_login(request, Login(user=user, email=user.email, redirect_url=page, signal_kwargs=bounds))


def _organization_of(email: str) -> str:
    """Whose sign-in the address is of; empty for none."""
    organization_id = domains.organization_for(email.rpartition("@")[2])
    try:
        return provider.usable(organization_id or "").organization_id
    except errors.NoConnection:
        return ""


def _require_rate(request: HttpRequest) -> None:
    if not limits.admit([(RATE, ("sso", household_of(request)))]):
        raise limits.RateLimited


def _record(organization_id: str, problem: Problem, request: HttpRequest) -> None:
    if limits.admit([(REFUSALS_KEPT, ("sso-refusals", organization_id))]):
        sign_in.refused(organization_id, problem, request_id=_request_id(request))


def _refuse(request: HttpRequest, problem: Problem) -> HttpResponse:
    context = {"problem": problem.as_json(), "request_id": _request_id(request)}
    page = render(request, "account/sso_refused.html", context, status=problem.status)
    for name, value in problem.headers.items():
        page[name] = value
    return page


def _request_id(request: HttpRequest) -> str:
    return str(request.META.get("pulse.request_id", ""))

"""What the pages of an organization share: who may see them, their frame, and how they refuse."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.functional import cached_property
from django.views.generic import FormView, TemplateView
from django.views.generic.base import ContextMixin, View

from pulse import recent
from pulse.actors import Actor, from_request
from pulse.problems import Problem, respond
from tenants import context, errors
from tenants.api import access
from tenants.models import Membership, Organization, User
from tenants.pages import places


class InOrganization(ContextMixin, View):
    """`action` on `resource` is what its roles must allow a person; without a resource, all members may.

    `place` is the route that the navigation shows as where one is. A page with
    `needs_recent_authentication` sends the person to confirm that it is them, and back.
    """

    place = ""
    resource = ""
    action = "read"
    needs_recent_authentication = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = self._answered(request, *args, **kwargs)
        except Problem as problem:
            if problem.status >= 500:
                raise
            response = _show(request, problem, places=places.open_to(request))
        add_never_cache_headers(response)
        return response

    def _answered(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.token is not None:  # type: ignore[attr-defined]
            raise errors.SessionNeeded("Pages are for people who have signed in. A token has the API.")
        if self.resource:
            access.require_of(request, self.action, self.resource)
        if self.needs_recent_authentication and not self.actor.recent:
            return HttpResponseRedirect(recent.confirm_at(request.get_full_path()))
        return super().dispatch(request, *args, **kwargs)

    @staticmethod
    def refuse(request: HttpRequest, problem: Problem) -> HttpResponse:
        """What the gate refuses: who has not signed in does so, and who has not chosen is asked to."""
        if problem.status == 401 and request.user.is_anonymous:
            return redirect_to_login(request.get_full_path())
        if isinstance(problem, errors.AccessDenied):
            messages.warning(request, "Choose the organization that you want to act in.")
            return HttpResponseRedirect(reverse("account_home"))
        if problem.status >= 500:
            return respond(request, problem)
        return _show(request, problem, places=[])

    @property
    def person(self) -> User:
        return cast(User, self.request.user)

    @cached_property
    def actor(self) -> Actor:
        """A member, even if they are an operator elsewhere; not whoever looks in as support."""
        look = self.request.admission.look  # type: ignore[attr-defined]
        return replace(from_request(self.request, door="page"), as_member=look is None)

    @cached_property
    def organization(self) -> Organization:
        return Organization.objects.get(id=context.current())

    @cached_property
    def own_membership(self) -> Membership | None:
        """None for support."""
        return Membership.objects.filter(organization=self.organization, user=self.person).first()

    def allows(self, action: str, resource: str) -> bool:
        return places.allows(self.request, action, resource)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        frame = {"organization": self.organization, "here": self.place, "page": self}
        return super().get_context_data(**frame, places=places.open_to(self.request), **kwargs)


class Page(InOrganization, TemplateView):
    """A page that changes nothing."""

    http_method_names = ("get", "head", "options")


class VerbPage(InOrganization, FormView[forms.Form]):
    """One verb: what it will do, what it asks, and where it refuses, why.

    `fields_of` names the field that a refusal's code blames.
    """

    template_name = "organization/verb.html"
    form_class = forms.Form
    action = "write"
    submit = ""
    danger = False
    fields_of: Mapping[str, str] = {}

    def title(self) -> str:
        return self.submit

    def consequences(self) -> Sequence[str]:
        """What whoever presses the button is told before they do."""
        return ()

    def back(self) -> str:
        """Where one goes who thinks better of it."""
        return reverse(self.place)

    def after(self) -> str:
        """Where one goes once it is done."""
        return self.back()

    def carry_out(self, **wanted: Any) -> Any:
        raise NotImplementedError

    def said(self, result: Any) -> str:
        """What the next page says of it."""
        raise NotImplementedError

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            result = self.carry_out(**form.cleaned_data)
        except Problem as refusal:
            if refusal.status >= 500:
                raise
            return self._refused(form, refusal)
        return self.finish(result)

    def finish(self, result: Any) -> HttpResponse:
        messages.success(self.request, self.said(result))
        return HttpResponseRedirect(self.after())

    def _refused(self, form: forms.Form, refusal: Problem) -> HttpResponse:
        blamed = self.fields_of.get(refusal.code, "")
        if blamed in form.fields:
            form.add_error(blamed, f"{refusal.detail} ({refusal.status} {refusal.code})")
        said_above = None if blamed in form.fields else refusal.as_json()
        shown = self.get_context_data(form=form, refusal=said_above)
        return self.render_to_response(shown, status=refusal.status, headers=refusal.headers)


def _show(request: HttpRequest, problem: Problem, **frame: Any) -> HttpResponse:
    shown = {"problem": problem.as_json(), "contact": settings.PULSE_SUPPORT_CONTACT, **frame}
    page = render(request, "organization/refused.html", shown, status=problem.status)
    for name, value in problem.headers.items():
        page[name] = value
    return page

"""The organization's people and who is asked to join them, one member's page, and leaving."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from tenants import choice, context, members, roles
from tenants.models import Invitation, Membership
from tenants.pages.member_verbs import VERBS, OfMember, named
from tenants.pages.page import Page, VerbPage

PER_PAGE = 50
# The newest; the API has them all.
INVITATIONS_SHOWN = 200


class Start(Page):
    """To the first page that the person may see."""

    template_name = "organization/start.html"

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        shown = self.get_context_data()
        if shown["places"]:
            return HttpResponseRedirect(reverse(shown["places"][0].route))
        return self.render_to_response(shown)


class Members(Page):
    template_name = "organization/members.html"
    place = "organization:members"
    resource = "members"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        everybody = Membership.objects.filter(organization=self.organization)
        wanted = self.request.GET.get("q", "").strip()
        found = everybody.filter(Q(user__email__icontains=wanted) | Q(user__name__icontains=wanted))
        if "\x00" in wanted:  # PostgreSQL refuses to look for it.
            found = everybody.none()
        ordered = found.select_related("user").order_by("-is_owner", "joined_at", "pk")
        listed = Paginator(ordered, PER_PAGE).get_page(self.request.GET.get("page"))
        invited = Invitation.objects.filter(organization=self.organization, accepted_at=None, revoked_at=None)
        held = roles.book().of_all([str(one.user.public_id) for one in listed])
        names = roles.book().names()
        count, seats = everybody.count(), members.seats_of(context.current())
        return super().get_context_data(
            wanted=wanted,
            listed=listed,
            rows=[(one, named(held.get(str(one.user.public_id), ()), names)) for one in listed],
            count=count,
            seats=seats,
            is_full=seats is not None and count >= seats,
            invitations=[(one, named(one.roles, names)) for one in invited[:INVITATIONS_SHOWN]],
            now=timezone.now(),
            may_write=self.allows("write", "members"),
            **kwargs,
        )


class Member(OfMember, Page):
    template_name = "organization/member.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        verbs = [
            (reverse(f"organization:{route}", args=(self.principal,)), verb)
            for route, verb in VERBS.items()
            if verb.is_offered(self)
        ]
        return super().get_context_data(
            roles=named(roles.book().of(self.principal), roles.book().names()),
            verbs=[(where, verb) for where, verb in verbs if not verb.danger],
            dangers=[(where, verb) for where, verb in verbs if verb.danger],
            **kwargs,
        )


class Leave(VerbPage):
    """Open to every member, whatever their roles."""

    place = "organization:members"
    submit = "Leave"
    danger = True

    def title(self) -> str:
        return f"Leave {self.organization.display_name}"

    def back(self) -> str:
        return reverse("organization:start")

    def consequences(self) -> Sequence[str]:
        return (
            "Your roles and API tokens in this organization end at once.",
            "You come back by an invitation alone.",
        )

    def carry_out(self, **wanted: Any) -> None:
        members.leave(context.current(), actor=self.actor)
        choice.forget(self.request)

    def said(self, result: None) -> str:
        return f"You have left {self.organization.display_name}."

    def after(self) -> str:
        return reverse("account_home")

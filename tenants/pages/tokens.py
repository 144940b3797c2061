"""API tokens: one's own, made, rotated and revoked; and for whoever runs the members, everybody's."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property

from tenants import context, errors, members, tokens
from tenants.models import ApiToken
from tenants.pages.page import InOrganization, Page, VerbPage

# The newest; the API has all of one's own.
SHOWN = 200
ENDED_SHOWN = 20
SCOPES = {
    "read": "read: see what you may see here",
    "write": "write: change what you may change here",
    "check": "check: ask whether somebody may do something",
}


class Tokens(Page):
    template_name = "organization/tokens.html"
    place = "organization:tokens"
    resource = "tokens"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        works = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
        here = ApiToken.objects.filter(organization=self.organization).select_related("user", "made_by")
        mine = here.filter(user=self.person)
        runs_members = self.allows("write", "members")
        others = here.filter(works).exclude(user=self.person) if runs_members else here.none()
        return super().get_context_data(
            mine=self._with_makers(mine.filter(works)[:SHOWN]),
            ended=self._with_makers(mine.exclude(works)[:ENDED_SHOWN]),
            others=self._with_makers(others[:SHOWN]),
            may_write=self.allows("write", "tokens"),
            **kwargs,
        )

    def _with_makers(self, found: QuerySet[ApiToken]) -> list[tuple[ApiToken, str]]:
        return [(token, self._made_by(token)) for token in found]

    def _made_by(self, token: ApiToken) -> str:
        if token.made_by is not None:
            return f"the token {token.made_by}"
        if token.created_by == str(self.person.public_id):
            return "you"
        return "them" if token.created_by == str(token.user.public_id) else "an operator"


class OfToken(InOrganization):
    """About a token of one's own, or of a member's for whoever runs the members; others are not there."""

    place = "organization:tokens"
    resource = "tokens"

    @cached_property
    def token(self) -> ApiToken:
        reached = ApiToken.objects.filter(organization=context.current(), pk=self.kwargs["token_id"])
        if not self.reaches_others():
            reached = reached.filter(user=self.person)
        token = reached.select_related("user").first()
        if token is None:
            raise errors.TokenNotFound
        return token

    def reaches_others(self) -> bool:
        return False

    @property
    def called(self) -> str:
        return self.token.name or str(self.token)


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Name", required=False, max_length=tokens.LONGEST_NAME, help_text="What it is for."
    )
    scopes = forms.MultipleChoiceField(choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple)
    expires_days = forms.IntegerField(
        label="Days until it expires",
        required=False,
        min_value=1,
        max_value=tokens.LONGEST_EXPIRY_DAYS,
        initial=90,
        help_text="Empty: never.",
    )


class Issue(VerbPage):
    """A verb that ends with a token's text, which is in this answer and nowhere else."""

    place = "organization:tokens"
    resource = "tokens"
    needs_recent_authentication = True

    def finish(self, result: tuple[ApiToken, str]) -> HttpResponse:
        token, text = result
        shown = self.get_context_data(token=token, text=text)
        return self.response_class(self.request, "organization/token_once.html", shown)


class Make(Issue):
    form_class = TokenForm
    submit = "Make the token"
    fields_of = {"invalid_token_name": "name", "invalid_scope": "scopes", "invalid_expiry": "expires_days"}

    def title(self) -> str:
        return "Make an API token"

    def consequences(self) -> Sequence[str]:
        return (f"It acts for you in {self.organization.display_name} alone, and may what you may.",)

    def carry_out(self, **wanted: Any) -> tuple[ApiToken, str]:
        return tokens.create_for_member(self.person, self.organization, actor=self.actor, **wanted)


class RotationForm(forms.Form):
    overlap_hours = forms.IntegerField(
        label="Hours that the old one works on",
        min_value=0,
        max_value=tokens.LONGEST_OVERLAP_HOURS,
        initial=tokens.DEFAULT_OVERLAP_HOURS,
        help_text="Both work in this time, so that nothing stops while you put the new one in its place.",
    )


class Rotate(OfToken, Issue):
    form_class = RotationForm
    submit = "Rotate"
    fields_of = {"invalid_overlap": "overlap_hours"}

    def title(self) -> str:
        return f"Rotate {self.called}"

    def consequences(self) -> Sequence[str]:
        return ("A new token with the same scopes takes its place, and is shown once.",)

    def carry_out(self, **wanted: Any) -> tuple[ApiToken, str]:
        return tokens.rotate(self.token, actor=self.actor, **wanted)


class Revoke(OfToken, VerbPage):
    submit = "Revoke"
    danger = True

    def reaches_others(self) -> bool:
        return self.allows("write", "members")

    def title(self) -> str:
        return f"Revoke {self.called}"

    def consequences(self) -> Sequence[str]:
        whose = "" if self.token.user == self.person else f"It is a token of {self.token.user.email}."
        ends = "Whatever uses it, or a token that it made, is refused from the next request on."
        return tuple(filter(None, (whose, ends, "This cannot be undone.")))

    def carry_out(self, **wanted: Any) -> None:
        if self.token.user == self.person:
            tokens.revoke(self.token, actor=self.actor)
        else:
            members.revoke_token(context.current(), self.token, actor=self.actor)

    def said(self, result: None) -> str:
        return f"{self.called} is revoked."

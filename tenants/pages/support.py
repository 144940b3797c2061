"""Support access as the organization sees it: who has looked in and why, an end to it, and what it may do."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from tenants import context, support
from tenants.models import SupportAccess
from tenants.pages.page import Page, VerbPage

ACCESSES_SHOWN = 100


class Support(Page):
    template_name = "organization/support.html"
    place = "organization:support"
    resource = "settings"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = SupportAccess.objects.filter(organization=self.organization).select_related("operator")
        may_see = self.allows("read", "audit_logs")
        return super().get_context_data(
            may_see=may_see,
            accesses=mine[:ACCESSES_SHOWN] if may_see else (),
            stands=support.standing().filter(organization=self.organization).exists(),
            now=timezone.now(),
            may_write=self.allows("write", "settings"),
            **kwargs,
        )


class SupportVerb(VerbPage):
    place = "organization:support"
    resource = "settings"


class End(SupportVerb):
    submit = "End support access"
    danger = True

    def consequences(self) -> Sequence[str]:
        return ("Every operator who looks in is out from the next request on.",)

    def carry_out(self, **wanted: Any) -> int:
        return support.end_all(context.current(), actor=self.actor)

    def said(self, result: int) -> str:
        return "Support access has ended." if result else "Nobody was looking in."


class LetWrite(SupportVerb):
    submit = "Let support write"

    def consequences(self) -> Sequence[str]:
        return (
            "Whoever looks in as support may change what a member may, until you take it back.",
            "Members, roles, tokens and settings stay yours alone.",
        )

    def carry_out(self, **wanted: Any) -> None:
        support.let_write(context.current(), actor=self.actor)

    def said(self, result: None) -> str:
        return "Support may write."


class LetOnlyRead(SupportVerb):
    submit = "Let support only read"

    def consequences(self) -> Sequence[str]:
        return ("Whoever looks in as support changes nothing from the next request on.",)

    def carry_out(self, **wanted: Any) -> None:
        support.let_only_read(context.current(), actor=self.actor)

    def said(self, result: None) -> str:
        return "Support reads, and no more."

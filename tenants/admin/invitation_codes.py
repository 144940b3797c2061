"""Invitation codes: made and shown once, how often each was used, and revoking."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from pulse.admin import actors, moments
from pulse.admin.filters import BoundedPaginator
from pulse.admin.forms import ConfirmForm, text_input
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from tenants import invitation_codes
from tenants.models import InvitationCode

STATES = {"usable": "success", "used up": "info", "expired": "warning", "revoked": "default"}


class InvitationForm(forms.Form):
    email = forms.CharField(
        label="For whom (e-mail)",
        required=False,
        max_length=254,
        widget=text_input(autofocus="", type="email"),
        help_text="For this address alone. Leave empty for a code that anyone may use.",
    )
    uses = forms.IntegerField(
        min_value=1,
        max_value=invitation_codes.MOST_USES,
        initial=1,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="How many organizations may be made by it.",
    )
    days = forms.IntegerField(
        label="Expires after (days)",
        min_value=1,
        max_value=invitation_codes.MOST_DAYS,
        initial=invitation_codes.DEFAULT_DAYS,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    note = forms.CharField(required=False, max_length=200, widget=text_input(autocomplete="off"))


class AddInvitation(VerbView):
    permission = "tenants.add_invitationcode"
    title = "Add invitation code"
    submit = "Add invitation code"
    form_class = InvitationForm
    fields_of = {"invalid_email": "email", "invalid_invitation": "uses"}

    def consequences(self) -> Sequence[str]:
        return ("The code is shown once, on the next page; only its hash is kept.",)

    def carry_out(self, *, email: str, uses: int, days: int, note: str) -> tuple[InvitationCode, str]:
        return invitation_codes.make(actor=self.actor, email=email, uses=uses, days=days, note=note)

    def finish(self, result: tuple[InvitationCode, str]) -> HttpResponse:
        code, text = result
        title = f"Invitation code {code} has been created"
        return self.once("tenants/admin/invitation_code_once.html", title=title, code=code, text=text)


class Revoke(VerbView):
    permission = "tenants.delete_invitationcode"
    submit = "Revoke"
    danger = True
    form_class = ConfirmForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=f"Revoke {self.subject}", **kwargs)

    def refusal(self) -> str:
        return "The code is revoked already." if self.subject.revoked_at else ""

    def consequences(self) -> Sequence[str]:
        return (
            "Nobody signs up by it any more; who has a link by it cannot finish.",
            "This cannot be undone.",
        )

    def carry_out(self) -> InvitationCode:
        return invitation_codes.revoke(self.subject, actor=self.actor)

    def finish(self, result: InvitationCode) -> HttpResponse:
        return self.leave(self.back(), f"{result} is revoked.")


@admin.register(InvitationCode)
class InvitationCodeAdmin(ReadOnlyAdmin):
    page_template = "tenants/admin/invitation_code.html"
    paginator = BoundedPaginator
    list_display = ("prefix", "state", "count", "for_whom", "note", "expires")
    export_fields = (
        "prefix",
        "email",
        "uses",
        "used",
        "note",
        "created_at",
        "created_by",
        "expires_at",
        "revoked_at",
    )
    search_fields = ("prefix", "email", "note")
    search_help_text = "The code's beginning, an e-mail or the note"
    ordering = ("-created_at",)

    def get_urls(self) -> list[URLPattern]:
        revoke = self.admin_site.admin_view(Revoke.as_view(model_admin=self))
        name = "tenants_invitationcode_revoke"
        return [path("<int:object_id>/revoke/", revoke, name=name), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("tenants.add_invitationcode"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return AddInvitation.as_view(model_admin=self)(request)

    def row_buttons(self, request: HttpRequest, row: InvitationCode) -> Sequence[Button]:
        if row.revoked_at or not request.user.has_perm("tenants.delete_invitationcode"):
            return ()
        return (Button("Revoke", self.path_of("revoke", row.pk), "cancel", ActionVariant.DANGER),)

    def page_context(self, request: HttpRequest, row: InvitationCode) -> dict[str, Any]:
        names = actors.names_of([row.created_by])
        state = self.state(row)
        return {
            "code": row,
            "state": state,
            "state_colour": STATES[state],
            "made_by": names.get(row.created_by, row.created_by),
        }

    @display(description="State", label=STATES)
    def state(self, code: InvitationCode) -> str:
        if code.revoked_at:
            return "revoked"
        if code.used >= code.uses:
            return "used up"
        return "expired" if code.expires_at <= timezone.now() else "usable"

    @display(description="Used", ordering="used")
    def count(self, code: InvitationCode) -> str:
        return f"{code.used} of {code.uses}"

    @display(description="For", ordering="email")
    def for_whom(self, code: InvitationCode) -> str:
        return code.email or "anyone"

    @display(description="Expires (UTC)", ordering="expires_at")
    def expires(self, code: InvitationCode) -> SafeString | str:
        return moments.short(code.expires_at)

"""API tokens: whose they are and where they work, a form that makes one and shows it once, and revoking."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminIntegerFieldWidget

from pulse.admin import actors, moments
from pulse.admin.filters import BoundedPaginator, ExactFilter
from pulse.admin.forms import ConfirmForm, text_input
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from tenants import organizations, people, tokens
from tenants.models import LONGEST_ID, ApiToken

STATES = {"usable": "success", "expired": "warning", "revoked": "default"}


class TokenForm(forms.Form):
    email = forms.CharField(
        label="For whom (e-mail)", max_length=254, widget=text_input(autofocus="", type="email")
    )
    organization = forms.CharField(
        label="In which organization (id)",
        required=False,
        max_length=LONGEST_ID,
        widget=text_input(autocomplete="off"),
        help_text="The token of a member works in this one alone. Leave empty for an operator's token.",
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in tokens.SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="read: safe methods. write: changes. check: permission checks. metrics: /metrics.",
    )
    expires_days = forms.IntegerField(
        label="Expires after (days)",
        required=False,
        min_value=1,
        max_value=tokens.LONGEST_EXPIRY_DAYS,
        initial=90,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Empty: never.",
    )


class AddToken(VerbView):
    permission = "tenants.add_apitoken"
    needs_recent_authentication = True
    title = "Add API token"
    submit = "Add API token"
    form_class = TokenForm
    fields_of = {
        "user_not_found": "email",
        "not_found": "organization",
        "not_a_member": "email",
        "not_an_operator": "email",
        "beyond_yourself": "email",
        "invalid_scope": "scopes",
    }

    def consequences(self) -> Sequence[str]:
        return ("The token is shown once, on the next page; only its hash is kept.",)

    def get_initial(self) -> dict[str, Any]:
        return {name: self.request.GET.get(name, "") for name in ("email", "organization")}

    def carry_out(
        self, *, email: str, organization: str, scopes: list[str], expires_days: int | None
    ) -> tuple[ApiToken, str]:
        user = people.named(email)
        terms: dict[str, Any] = {"actor": self.actor, "scopes": scopes, "expires_days": expires_days}
        if not organization:
            return tokens.create_for_operator(user, **terms)
        return tokens.create_for_member(user, organizations.living(organization), **terms)

    def finish(self, result: tuple[ApiToken, str]) -> HttpResponse:
        token, text = result
        return self.once(
            "tenants/admin/token_once.html", title=f"Token {token} has been created", token=token, text=text
        )


class Revoke(VerbView):
    permission = "tenants.delete_apitoken"
    submit = "Revoke"
    danger = True
    form_class = ConfirmForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=f"Revoke {self.subject}", **kwargs)

    def refusal(self) -> str:
        return "The token is revoked already." if self.subject.revoked_at else ""

    def consequences(self) -> Sequence[str]:
        return ("Whatever uses it is refused from the next request on.", "This cannot be undone.")

    def carry_out(self) -> ApiToken:
        return tokens.revoke(self.subject, actor=self.actor)

    def finish(self, result: ApiToken) -> HttpResponse:
        return self.leave(self.back(), f"{result} is revoked.")


class OrganizationFilter(ExactFilter):
    title = "organization"
    parameter_name = "organization"


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        expired = Q(expires_at__lte=timezone.now())
        match self.value():
            case "revoked":
                return queryset.exclude(revoked_at=None)
            case "expired":
                return queryset.filter(expired, revoked_at=None)
            case "usable":
                return queryset.filter(revoked_at=None).exclude(expired)
        return queryset


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    page_template = "tenants/admin/token.html"
    paginator = BoundedPaginator
    list_display = ("prefix", "state", "whose", "works_in", "may", "expires", "used")
    list_filter = (StateFilter, OrganizationFilter)
    list_select_related = ("user",)
    export_fields = (
        "prefix", "user__email", "organization", "scopes", "created_at", "created_by", "expires_at",
        "revoked_at", "last_used_at",
    )  # fmt: skip
    search_fields = ("prefix", "user__email")
    search_help_text = "The token's beginning, or an e-mail"
    ordering = ("-created_at",)

    def get_urls(self) -> list[URLPattern]:
        revoke = self.admin_site.admin_view(Revoke.as_view(model_admin=self))
        return [path("<int:object_id>/revoke/", revoke, name="tenants_apitoken_revoke"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("tenants.add_apitoken"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return AddToken.as_view(model_admin=self)(request)

    def row_buttons(self, request: HttpRequest, row: ApiToken) -> Sequence[Button]:
        if row.revoked_at or not request.user.has_perm("tenants.delete_apitoken"):
            return ()
        return (Button("Revoke", self.path_of("revoke", row.pk), "key_off", ActionVariant.DANGER),)

    def page_context(self, request: HttpRequest, row: ApiToken) -> dict[str, Any]:
        names = actors.names_of([row.created_by])
        return {
            "token": row,
            "state": self.state(row),
            "state_colour": STATES[self.state(row)],
            "made_by": names.get(row.created_by, row.created_by),
        }

    @display(description="State", label=STATES)
    def state(self, token: ApiToken) -> str:
        if token.revoked_at:
            return "revoked"
        return "expired" if token.expires_at and token.expires_at <= timezone.now() else "usable"

    @display(description="Acts for", ordering="user__email")
    def whose(self, token: ApiToken) -> SafeString:
        page = reverse("admin:tenants_user_change", args=(token.user_id,))
        return format_html('<a class="pulse-link" href="{}">{}</a>', page, token.user.email)

    @display(description="In", ordering="organization")
    def works_in(self, token: ApiToken) -> str:
        return token.organization_id or "the operators' API"

    @display(description="Scopes")
    def may(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @display(description="Expires (UTC)", ordering="expires_at")
    def expires(self, token: ApiToken) -> SafeString | str:
        return moments.short(token.expires_at) if token.expires_at else "never"

    @display(description="Last used (UTC)", ordering="last_used_at")
    def used(self, token: ApiToken) -> SafeString | str:
        return moments.short(token.last_used_at)

"""The forms that back up and restore an organization's database, and break the glass."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.html import format_html

from pulse.admin import moments
from pulse.admin.forms import ConfirmForm, ReasonForm, text_input
from rbac import backups, recovery, restoring
from rbac.admin.database_pages import BREAK_GLASS
from rbac.admin.within import CARE
from tenants.admin.lifecycle_forms import TypedIdForm
from tenants.admin.organization_pages import OrganizationVerb
from tenants.models import User


class DatabaseForm(OrganizationVerb):
    permission = CARE
    page = "database"


class BackUp(DatabaseForm):
    title = "Back up now"
    submit = "Back up"
    form_class = ReasonForm

    def consequences(self) -> Sequence[str]:
        return ("A copy as of one moment, while its people go on; proved by opening it.",)

    def carry_out(self, *, reason: str) -> backups.Backup:
        return backups.make(self.subject.id, actor=self.actor, reason=reason)

    def finish(self, result: backups.Backup) -> HttpResponse:
        return self.leave(self.back(), f"The backup {result.name} is made.")


class RemoveBackup(DatabaseForm):
    title = "Delete the backup"
    submit = "Delete"
    danger = True
    form_class = ConfirmForm

    def consequences(self) -> Sequence[str]:
        backup = backups.find(self.subject.id, self.kwargs["name"])
        return (f"{backup.name} of {self.subject.id} is erased.", "This cannot be undone.")

    def carry_out(self) -> None:
        backups.remove(self.subject.id, self.kwargs["name"], actor=self.actor)

    def finish(self, result: None) -> HttpResponse:
        return self.leave(self.back(), f"The backup {self.kwargs['name']} is deleted.")


class Restore(DatabaseForm):
    submit = "Restore"
    danger = True
    form_class = TypedIdForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"organization": self.subject}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        title = f"Restore {self.subject.id} to {self.kwargs['name']}"
        return super().get_context_data(title=title, **kwargs)

    def consequences(self) -> Sequence[str]:
        made_at = datetime.fromisoformat(backups.find(self.subject.id, self.kwargs["name"]).made_at)
        return (
            format_html("Its roles and who has them become what they were on {}.", moments.long(made_at)),
            "What is there now is backed up first, if it can be read; a damaged file is kept beside it.",
            "It holds from the next request on, in every process. It is refused if the backup does not "
            "match its SHA-256 or this version's schema; then nothing is changed.",
        )

    def carry_out(self, *, reason: str, typed_id: str) -> backups.Backup:
        return restoring.restore(self.subject.id, self.kwargs["name"], actor=self.actor, reason=reason)

    def finish(self, result: backups.Backup) -> HttpResponse:
        return self.leave(self.back(), f"{self.subject.id} is restored to {result.name}.")


class Issue(DatabaseForm):
    permission = BREAK_GLASS
    needs_recent_authentication = True
    title = "Break glass: 1. issue a recovery token"
    submit = "Issue the token"
    danger = True
    form_class = ReasonForm
    fields_of = DatabaseForm.fields_of | {"reason_required": "reason"}

    def consequences(self) -> Sequence[str]:
        return (
            "For when nobody can administer the organization any more.",
            "A token that works once within 15 minutes is shown on the next page; any earlier one ends.",
            "Whoever redeems it makes one member the organization's admin.",
        )

    def carry_out(self, *, reason: str) -> recovery.Issued:
        return recovery.issue(self.subject.id, actor=self.actor, reason=reason)

    def finish(self, result: recovery.Issued) -> HttpResponse:
        return self.once(
            "rbac/admin/token_once.html",
            title=f"A recovery token for {self.subject.id}",
            issued=result,
            redeem=self.path_of("redeem_recovery"),
            back=self.back(),
        )


class RedeemForm(forms.Form):
    token = forms.CharField(
        label="Recovery token", max_length=100, widget=text_input(autocomplete="off", autofocus="")
    )
    email = forms.CharField(
        label="A member's e-mail", max_length=254, widget=text_input(type="email", autocomplete="off")
    )


class Redeem(DatabaseForm):
    permission = BREAK_GLASS
    needs_recent_authentication = True
    title = "Break glass: 2. redeem a recovery token"
    submit = "Make admin"
    danger = True
    form_class = RedeemForm
    fields_of = {"invalid_recovery_token": "token", "not_a_member": "email"}

    def consequences(self) -> Sequence[str]:
        return (
            "The member becomes an admin of the organization; other roles of theirs are taken away.",
            "The built-in roles are put back to what they are everywhere.",
            "The token is used up, whatever happens then.",
        )

    def carry_out(self, *, token: str, email: str) -> User:
        return recovery.redeem(self.subject.id, token=token, email=email, actor=self.actor)

    def finish(self, result: User) -> HttpResponse:
        return self.leave(self.back(), f"{result.email} is an admin of {self.subject.id}.")

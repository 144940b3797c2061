"""Suspending and unsuspending a selection: one form, and what became of each organization."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import DatabaseError
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from pulse.admin.forms import ReasonField
from pulse.admin.pages import VerbView
from pulse.problems import Problem, Unavailable, as_problem
from tenants import lifecycle
from tenants.admin.lifecycle_forms import FORMS, refusal
from tenants.models import Organization

MOST = 500


class BulkForm(forms.Form):
    ids = forms.CharField(widget=forms.HiddenInput)
    reason = ReasonField(help_text="Kept in the audit log of each. At most 500 characters.")

    def clean_ids(self) -> list[str]:
        ids = list(dict.fromkeys(self.cleaned_data["ids"].split()))
        if len(ids) > MOST:
            raise forms.ValidationError(f"Select at most {MOST} organizations.")
        return ids


@dataclass(frozen=True, slots=True)
class Outcome:
    organization_id: str
    refusal: str = ""


class BulkView(VerbView):
    """Each organization is a transaction of its own, so that one refusal does not keep the others."""

    permission = lifecycle.TRANSITIONS["suspend"].permission
    template_name = "tenants/admin/bulk.html"
    form_class = BulkForm
    verb = "suspend"
    selection: Sequence[str] = ()

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(self.back())

    def ask(self, ids: Sequence[str]) -> HttpResponse:
        """The form, for what was selected in the list."""
        self.selection = ids
        form = BulkForm(initial={"ids": " ".join(ids)})
        return self.render_to_response(self.get_context_data(form=form))

    def send_to(self) -> str:
        """Not to the list, which asks."""
        return str(self.model_admin.path_of(f"bulk_{self.verb}"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ids = self.selection or self.request.POST.get("ids", "").split()
        selected = list(Organization.objects.filter(id__in=ids[:MOST]))
        rows = [(organization, refusal(self.verb, organization)) for organization in selected]
        count = f"{len(rows)} organization{'' if len(rows) == 1 else 's'}"
        title = FORMS[self.verb].title
        return super().get_context_data(
            title=f"{title} {count}", submit_text=f"{title} {count}", rows=rows, **kwargs
        )

    def carry_out(self, *, ids: Sequence[str], reason: str) -> list[Outcome]:
        return [Outcome(one, self._refused(one, reason)) for one in ids]

    def _refused(self, organization_id: str, reason: str) -> str:
        try:
            FORMS[self.verb].verb(organization_id, actor=self.actor, reason=reason)
        except (Problem, DatabaseError) as error:
            return (as_problem(error) or Unavailable()).detail
        return ""

    def finish(self, result: list[Outcome]) -> HttpResponse:
        done = sum(not one.refusal for one in result)
        context = self.model_admin.frame(self.request) | {
            "title": f"{FORMS[self.verb].title}: {done} of {len(result)} done",
            "outcomes": result,
            "back": self.back(),
        }
        return TemplateResponse(self.request, "tenants/admin/bulk_result.html", context)

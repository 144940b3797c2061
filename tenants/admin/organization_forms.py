"""Forms about one organization beside its lifecycle: made, renamed, exported, verified."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseRedirect

from pulse.admin.forms import ConfirmForm, text_input
from pulse.admin.pages import VerbView
from pulse.admin.seen import SeenForm, SeenView
from pulse.models import AuditEvent
from tenants import exports, organizations, provisioning, resources
from tenants.models import LONGEST_ID, Organization


class ProvisionForm(forms.Form):
    email = forms.CharField(
        label="Owner's e-mail",
        max_length=254,
        widget=text_input(autofocus="", type="email"),
        help_text="The owner gets the role admin. Who has asked before gets the organization they have.",
    )
    name = forms.CharField(
        max_length=provisioning.LONGEST_NAME, widget=text_input(), help_text="3 to 64 characters."
    )
    organization_id = forms.CharField(
        label="Id",
        required=False,
        max_length=LONGEST_ID,
        widget=text_input(autocomplete="off"),
        help_text="Made from the name when empty. It never changes and is never used again.",
    )


class Provision(VerbView):
    permission = "tenants.provision_organization"
    title = "Add organization"
    submit = "Add organization"
    form_class = ProvisionForm
    fields_of = {
        "invalid_email": "email",
        "invalid_org_name": "name",
        "invalid_org_id": "organization_id",
        "org_id_taken": "organization_id",
    }

    def carry_out(self, *, organization_id: str, email: str, name: str) -> provisioning.Provisioned:
        return provisioning.provision(
            email=email, name=name, organization_id=organization_id or None, actor=self.actor
        )

    def finish(self, result: provisioning.Provisioned) -> HttpResponse:
        page = self.model_admin.path_of("change", result.organization.pk)
        if not result.existing:
            return self.leave(
                page, f"{result.organization.id} has been created, with its owner and its roles."
            )
        said = f"{result.organization.id} exists already: this address has asked before. Nothing was created."
        messages.warning(self.request, said)
        return HttpResponseRedirect(page)


class RenameForm(SeenForm):
    name = forms.CharField(
        max_length=provisioning.LONGEST_NAME,
        widget=text_input(autofocus=""),
        help_text="3 to 64 characters. The id stays as it is.",
    )


class Rename(SeenView):
    permission = "tenants.change_organization"
    title = "Rename"
    submit = "Rename"
    icon = "edit"
    form_class = RenameForm
    fields_of = {"invalid_org_name": "name"}

    def present(self) -> str:
        return str(organizations.living(self.subject.id).display_name)

    def history(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(organization=self.subject.id, verb="organization.rename")

    def initial_of(self, present: str) -> dict[str, Any]:
        return {"name": present}

    def carry_out(self, *, name: str, seen: str) -> Organization:
        return organizations.rename(self.subject.id, name=name, actor=self.actor, seen=[seen])

    def finish(self, result: Organization) -> HttpResponse:
        return self.leave(self.back(), f"{result.id} is now called {result.display_name}.")


class Export(VerbView):
    """Answers with a file, which htmx cannot save: this form is always sent by the browser itself."""

    permission = "tenants.export_organization"
    template_name = "pulse/admin/download.html"
    title = "Export everything"
    submit = "Export"
    icon = "download"
    form_class = ConfirmForm

    def consequences(self) -> Sequence[str]:
        return (
            "A ZIP of JSON lines with everything held on the organization: people, roles, tokens without "
            "their secrets, billing and the audit timeline, with a manifest of their SHA-256.",
            "It holds personal data. That you took it is kept in the audit log.",
        )

    def carry_out(self) -> FileResponse:
        archive = exports.exported(self.subject.id, actor=self.actor)
        return FileResponse(archive, as_attachment=True, filename=f"{self.subject.id}.zip")

    def finish(self, result: FileResponse) -> FileResponse:
        return result


class Verify(VerbView):
    """Reads alone: there is nothing to send."""

    permission = "tenants.view_organization"
    template_name = "tenants/admin/verify.html"
    title = "Verify"
    submit = "Verify"
    icon = "fact_check"
    form_class = ConfirmForm
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        findings: Mapping[str, list[str]] = resources.verify(organizations.living(self.subject.id))
        return super().get_context_data(findings=findings, checked=resources.registered(), **kwargs)


BY_NAME: dict[str, Any] = {"rename": Rename, "export": Export, "verify": Verify}

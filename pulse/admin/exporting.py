"""The form that every list has, and which answers with the list as a file, by the list's own filters."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminRadioSelectWidget

from pulse import list_exports
from pulse.admin.pages import VerbView
from pulse.problems import InvalidRequest

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


class ExportForm(forms.Form):
    kind = forms.ChoiceField(
        label="As",
        choices=[("csv", "CSV, for a spreadsheet"), ("json", "JSON, for a program")],
        initial="csv",
        widget=UnfoldAdminRadioSelectWidget,
    )


class Download(VerbView):
    """Answers with a file, which htmx cannot save: this form is always sent by the browser itself."""

    permission = list_exports.PERMISSION
    needs_recent_authentication = True
    template_name = "pulse/admin/download.html"
    submit = "Download"
    form_class = ExportForm
    fields: Sequence[str] = ()

    def consequences(self) -> Sequence[str]:
        return (
            f"All rows that the list's filters leave, with: {', '.join(self.fields)}.",
            "It may hold personal data. That you took it is kept in the audit log.",
        )

    def back(self) -> str:
        return f"{super().back()}?{self.request.GET.urlencode()}"

    def finish(self, result: StreamingHttpResponse) -> StreamingHttpResponse:
        return result


def as_file(pieces: Iterator[str], *, name: str, kind: str) -> StreamingHttpResponse:
    disposition = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.{kind}"'
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(pieces, content_type=CONTENT_TYPES[kind], headers=headers)


class ExportList(Download):
    """A model's own list."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.fields = self.model_admin.export_fields
        if not self.fields or not self.model_admin.has_view_permission(request):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        name = self.model_admin.opts.verbose_name_plural
        return super().get_context_data(title=f"Export {name}", **kwargs)

    def carry_out(self, *, kind: str) -> StreamingHttpResponse:
        opts = self.model_admin.opts
        try:
            rows = self.model_admin.get_changelist_instance(self.request).queryset
        except IncorrectLookupParameters as error:
            raise InvalidRequest("The list does not know one of these filters.") from error
        pieces: Iterator[str] = list_exports.exported(
            rows,
            self.fields,
            name=opts.label_lower,
            kind=kind,
            filters=self.request.GET.dict(),
            actor=self.actor,
        )
        return as_file(pieces, name=opts.model_name, kind=kind)

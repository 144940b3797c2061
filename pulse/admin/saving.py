"""The forms by which an operator keeps a list's filters under a name, and forgets them."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from pulse import saved_filters
from pulse.admin.forms import ConfirmForm, text_input
from pulse.admin.pages import VerbView
from pulse.models import SavedFilter

# Where one was on the list is no part of a filter.
NOT_KEPT = ("p", "all")


def query_of(request: HttpRequest) -> str:
    """The list's query string as it is kept."""
    kept = request.GET.copy()
    for name in NOT_KEPT:
        kept.pop(name, None)
    return kept.urlencode()


class NameForm(forms.Form):
    name = forms.CharField(
        max_length=saved_filters.LONGEST_NAME,
        widget=text_input(autofocus="", autocomplete="off"),
        help_text="One that you have already is replaced.",
    )


class OfList(VerbView):
    """About the model's own list, for whoever may read it."""

    @property
    def list_of(self) -> str:
        return str(self.model_admin.opts.label_lower)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.model_admin.has_view_permission(request):
            raise PermissionDenied
        return self.answer(request, *args, **kwargs)

    def back(self) -> str:
        return f"{super().back()}?{self.request.GET.urlencode()}"


class SaveFilter(OfList):
    title = "Save this filter"
    submit = "Save"
    form_class = NameForm
    fields_of = VerbView.fields_of | {"invalid_filter_name": "name"}

    def consequences(self) -> tuple[str]:
        return ("It stands above the list, for you alone.",)

    def carry_out(self, *, name: str) -> SavedFilter:
        query = query_of(self.request)
        return saved_filters.save(self.list_of, name=name, query=query, actor=self.actor)

    def finish(self, result: SavedFilter) -> HttpResponse:
        return self.leave(self.back(), f"The filter {result.name} is saved.")


class ForgetFilter(OfList):
    title = "Delete this saved filter"
    submit = "Delete"
    form_class = ConfirmForm

    def carry_out(self) -> None:
        saved_filters.delete(self.list_of, self.kwargs["filter_id"], actor=self.actor)

    def finish(self, result: None) -> HttpResponse:
        return self.leave(self.back(), "The filter is deleted.")

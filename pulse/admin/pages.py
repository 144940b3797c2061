"""What operators' pages are made of: lists that edit nothing, a page for each row, forms that call a verb.

A form answers htmx with a dialog over the page it was asked from, and anybody else with a page of its own,
so it works by link, in a new tab and without scripts.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.views.generic import FormView, View
from unfold.admin import ModelAdmin
from unfold.enums import ActionVariant

from pulse import list_exports, recent
from pulse.actors import Actor, from_request
from pulse.admin import chips
from pulse.admin.forms import recent_reasons
from pulse.frozen import Frozen
from pulse.problems import PermissionRefused, Problem, as_problem, respond


@dataclass(frozen=True, slots=True)
class Button:
    """One button of a page's header; `dialog` opens its form over the page."""

    title: str
    path: str
    icon: str
    variant: ActionVariant = ActionVariant.DEFAULT
    dialog: bool = True
    attrs: dict[str, str] = field(default_factory=dict)


class ReadOnlyAdmin(ModelAdmin):
    """A list and a page for each row. What may be changed is changed by the forms that its buttons open."""

    page_template: ClassVar[str]
    # The columns of the list as a file; without any there is none. Secrets and hashes of them stay out.
    export_fields: ClassVar[Sequence[str]] = ()
    list_before_template = "pulse/admin/saved_filters.html"  # type: ignore[assignment]
    list_fullwidth = True
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.method == "POST" and not self.get_actions(request):
            raise PermissionDenied
        extra = {"title": str(self.opts.verbose_name_plural).capitalize(), "subtitle": None}
        response = super().changelist_view(request, extra | (extra_context or {}))
        if isinstance(response, TemplateResponse) and response.context_data:
            # The parent fills these from its own mechanism, which cannot link to a form by row or by state.
            buttons = (
                *self.saving_buttons(request),
                *self.export_buttons(request),
                *self.list_buttons(request),
            )
            response.context_data["saved_filters"] = chips.of_list(self, request)
            response.context_data["actions_list"] = list(map(asdict, buttons))
        return response

    def get_urls(self) -> list[URLPattern]:
        # They are forms, and so made of what is below.
        from pulse.admin.exporting import ExportList
        from pulse.admin.saving import ForgetFilter, SaveFilter

        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}_"
        return [
            path("export/", view(ExportList.as_view(model_admin=self)), name=f"{name}list_export"),
            path("filters/save/", view(SaveFilter.as_view(model_admin=self)), name=f"{name}save_filter"),
            path(
                "filters/<int:filter_id>/delete/",
                view(ForgetFilter.as_view(model_admin=self)),
                name=f"{name}forget_filter",
            ),
            *super().get_urls(),
        ]

    def saving_buttons(self, request: HttpRequest) -> Sequence[Button]:
        """That which keeps the filters of the moment, where there are any."""
        if not request.GET:
            return ()
        return (
            Button("Save filter", f"{self.path_of('save_filter')}?{request.GET.urlencode()}", "bookmark"),
        )

    def export_buttons(self, request: HttpRequest) -> Sequence[Button]:
        """That of the list as a file, with the filters of the moment."""
        if not self.export_fields or not request.user.has_perm(list_exports.PERMISSION):
            return ()
        return (Button("Export", f"{self.path_of('list_export')}?{request.GET.urlencode()}", "download"),)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        if not (changelist.query or changelist.has_active_filters):
            # Nothing is left out, so the header does not offer to show all.
            changelist.full_result_count = changelist.result_count
        return changelist

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> TemplateResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if row is None:
            raise Http404
        context = self.frame(request, row) | self.page_context(request, row)
        return TemplateResponse(request, self.page_template, context)

    def frame(self, request: HttpRequest, row: Model | None = None) -> dict[str, Any]:
        """What every page of this model needs around its content."""
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row) if row else str(self.opts.verbose_name_plural).capitalize(),
            "actions_detail": list(map(asdict, self.row_buttons(request, row))) if row else [],
        }

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {}

    def row_buttons(self, request: HttpRequest, row: Any) -> Sequence[Button]:
        return ()

    def list_buttons(self, request: HttpRequest) -> Sequence[Button]:
        return ()

    def path_of(self, name: str, *args: Any) -> str:
        """The address of one of this model's pages: `changelist`, `change`, or a form's name.

        A row's key comes first, and is quoted as the lists of Django's admin quote it.
        """
        quoted = [quote(args[0]), *args[1:]] if args else []
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=quoted)


class OperatorPage(View):
    """A page for those who hold `permission`, of which a refusal takes the place."""

    model_admin: Any = None
    permission = ""
    title = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.actor.may(self.permission):
            raise PermissionDenied
        try:
            return self.answer(request, *args, **kwargs)
        except Problem as problem:
            return self.refuse(problem)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The page, rendered: what it shows is read on the way, and may be refused."""
        response = super().dispatch(request, *args, **kwargs)
        return response.render() if isinstance(response, TemplateResponse) else response

    def refuse(self, problem: Problem) -> HttpResponse:
        return respond(self.request, problem)

    @cached_property
    def actor(self) -> Actor:
        return from_request(self.request, door="admin")


class VerbView(OperatorPage, FormView[Any]):
    """Asks what a verb needs, tells what will happen, calls it, and shows a refusal beside what was typed.

    `permission` is the least that opens the page; the verb holds the actor to it once more. So it is with
    `needs_recent_authentication`, without which the person is sent to confirm that it is them, and back.
    """

    needs_recent_authentication = False
    template_name = "pulse/admin/verb.html"
    submit = "Save"
    danger = False
    # Which field a refusal belongs to, by its code; the others stand above the form, and a refused permission
    # takes the form's place.
    fields_of: ClassVar[dict[str, str]] = {"invalid_reason": "reason"}

    @cached_property
    def subject(self) -> Any:
        """The row that the address names; None where it names none."""
        if "object_id" not in self.kwargs:
            return None
        row = self.model_admin.get_object(self.request, unquote(str(self.kwargs["object_id"])))
        if row is None:
            raise Http404
        return row

    @property
    def in_dialog(self) -> bool:
        return self.request.headers.get("HX-Request") == "true"

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if self.needs_recent_authentication and not self.actor.recent:
            return self.go_to(recent.confirm_at(request.get_full_path()))
        return super().answer(request, *args, **kwargs)

    # Calls the verb with what the form gave, by keyword.
    carry_out: Callable[..., Any]
    # Answers with what the verb returned.
    finish: Callable[..., Any]

    def refusal(self) -> str:
        """Why the verb would refuse as things stand, so that nobody fills in a form for nothing."""
        return ""

    def consequences(self) -> Sequence[str]:
        return ()

    def form_valid(self, form: forms.Form) -> Any:
        try:
            result = self.carry_out(**form.cleaned_data)
        except (Problem, DatabaseError) as error:
            problem = as_problem(error)
            if problem is None:
                raise
            if isinstance(problem, PermissionRefused) and problem.code not in self.fields_of:
                raise PermissionDenied from error
            self.blame(form, problem)
            response = self.form_invalid(form)
            if isinstance(problem, Frozen) and not self.in_dialog:  # Of which htmx would show nothing.
                response.status_code = Frozen.status
            return response
        return self.finish(result)

    def blame(self, form: forms.Form, problem: Problem) -> None:
        """Put the refusal beside the field that it is about, or above the form."""
        blamed = self.fields_of.get(problem.code)
        form.add_error(blamed if blamed in form.fields else None, problem.detail)

    def leave(self, path: str, message: str, *, undo: tuple[str, str] | None = None) -> HttpResponse:
        """Go to the page with a message of success, which offers the way back: its title and its form."""
        if undo is not None:
            title, form = undo
            message = format_html('{} <a class="pulse-link" href="{}">{}</a>', message, form, title)
        messages.success(self.request, message)
        return self.go_to(path)

    def go_to(self, path: str) -> HttpResponse:
        """A redirection of the whole page, of which htmx has to be told by a header."""
        if self.in_dialog:
            return HttpResponse(status=204, headers={"HX-Redirect": path})
        return HttpResponseRedirect(path)

    def once(self, template: str, **context: Any) -> HttpResponse:
        """A page that shows a secret this once; no cache keeps a page of the admin."""
        return TemplateResponse(self.request, template, self.model_admin.frame(self.request) | context)

    def back(self) -> str:
        """Where Cancel leads."""
        if self.subject is None:
            return str(self.model_admin.path_of("changelist"))
        return str(self.model_admin.path_of("change", self.subject.pk))

    def send_to(self) -> str:
        """Where the form is sent: here."""
        return self.request.get_full_path()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = self.model_admin.frame(self.request, self.subject) | {
            "actions_detail": (),
            "title": self.title,
            "submit_text": self.submit,
            "danger": self.danger,
            "in_dialog": self.in_dialog,
            "refusal": "" if self.request.method == "POST" else self.refusal(),
            "consequences": self.consequences(),
            "back": self.back(),
            "send_to": self.send_to(),
        }
        shown = super().get_context_data(**context | kwargs)
        return shown | {"reasons": recent_reasons(self.actor) if "reason" in shown["form"].fields else ()}

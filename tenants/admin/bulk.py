"""The form that starts an operation on a selection of organizations, and tells who is skipped and why."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from pulse import recent
from pulse.actors import from_request
from pulse.admin.forms import OptionalReasonForm, ReasonForm
from pulse.admin.pages import VerbView
from tenants import bulk
from tenants.admin import lifecycle_forms
from tenants.models import BulkRun, Organization, Status

# Of those that will be skipped, as many are named.
NAMED = 50
PURGED = "The organization is purged."


@dataclass(frozen=True, slots=True)
class Offer:
    """How an operation is offered: its form's fields but the reason become the run's parameters.

    `skipped` says why an organization would be refused as things stand, and nothing where it would not.
    """

    title: str
    consequences: Sequence[str]
    form: type[forms.Form] = ReasonForm
    skipped: Callable[[Organization], str] = lambda one: PURGED if one.status == Status.PURGED else ""


_offers: dict[str, Offer] = {}


def offer(name: str, offered: Offer) -> None:
    """Called by an app's admin module for an operation that it has registered."""
    _offers[name] = offered


def title_of(name: str) -> str:
    return _offers[name].title if name in _offers else name


class SelectionField(forms.CharField):
    widget = forms.HiddenInput

    def clean(self, value: Any) -> list[str]:
        return list(dict.fromkeys(super().clean(value).split()))


class BulkView(VerbView):
    template_name = "tenants/admin/bulk.html"
    verb = "suspend"
    selection: Sequence[str] = ()

    @property
    def offered(self) -> Offer:
        return _offers[self.verb]

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        operation = bulk.find(self.verb)
        self.permission, self.needs_recent_authentication = operation.permission, operation.takes_recent
        return super().dispatch(*args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(self.back())

    def ask(self, ids: Sequence[str]) -> HttpResponse:
        """The form, for what was selected in the list."""
        self.selection = ids
        form = self.get_form_class()(initial={**self.get_initial(), "ids": " ".join(ids)})
        return self.render_to_response(self.get_context_data(form=form))

    def get_form_class(self) -> type[forms.Form]:
        return type("BulkForm", (self.offered.form,), {"ids": SelectionField()})

    def send_to(self) -> str:
        """Not to the list, which asks."""
        return str(self.model_admin.path_of(f"bulk_{self.verb}"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ids = self.selection or self.request.POST.get("ids", "").split()
        selected = Organization.objects.filter(id__in=ids[: bulk.MOST]).order_by("id")
        reasons = [(one, self.offered.skipped(one)) for one in selected]
        skipped = [(one, reason) for one, reason in reasons if reason]
        left = len(reasons) - len(skipped)
        title = f"{self.offered.title} {left:,} organization{'' if left == 1 else 's'}"
        return super().get_context_data(
            title=title,
            submit_text=title,
            skipped=skipped[:NAMED],
            skipped_count=len(skipped),
            why=Counter(reason for _, reason in skipped).most_common(),
            **kwargs,
        )

    def consequences(self) -> Sequence[str]:
        return (
            *self.offered.consequences,
            "It is carried out by a job; you can watch it, and cancel what waits.",
        )

    def carry_out(self, *, ids: Sequence[str], reason: str, **wanted: Any) -> BulkRun:
        parameters = {name: one if isinstance(one, str) else one.isoformat() for name, one in wanted.items()}
        return bulk.start(self.verb, ids, actor=self.actor, reason=reason, parameters=parameters)

    def finish(self, result: BulkRun) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:tenants_bulkrun_change", args=(result.pk,)))


def addresses(model_admin: Any) -> list[URLPattern]:
    view = model_admin.admin_site.admin_view
    return [
        path(
            f"bulk/{name}/selected/",
            view(BulkView.as_view(model_admin=model_admin, verb=name)),
            name=f"tenants_organization_bulk_{name}",
        )
        for name in _offers
    ]


def actions(request: HttpRequest) -> dict[str, tuple[Callable[..., HttpResponse], str, str]]:
    """Those that the operator may start, as Django's lists take their actions."""
    actor = from_request(request, door="admin")
    return {
        name: (partial(_ask, name), name, f"{offered.title}…")
        for name, offered in _offers.items()
        if actor.may(bulk.find(name).permission)
    }


def _ask(name: str, model_admin: Any, request: HttpRequest, queryset: QuerySet[Organization]) -> HttpResponse:
    """One more than may be selected is handed on, so that the verb says so."""
    form = BulkView(model_admin=model_admin, verb=name)
    form.setup(request)
    if bulk.find(name).takes_recent and not form.actor.recent:
        return form.go_to(recent.confirm_at(request.get_full_path()))
    return form.ask(list(queryset.values_list("id", flat=True)[: bulk.MOST + 1]))


offer(
    "suspend",
    Offer(
        "Suspend",
        ("Their people are refused from their next request on. All data stays as it is.",),
        skipped=partial(lifecycle_forms.refusal, "suspend"),
    ),
)
offer(
    "unsuspend",
    Offer(
        "Unsuspend",
        ("Their people are let in again from their next request on.",),
        form=OptionalReasonForm,
        skipped=partial(lifecycle_forms.refusal, "unsuspend"),
    ),
)
offer(
    "verify",
    Offer("Verify", ("Every part of each is checked; nothing is changed.",), form=OptionalReasonForm),
)

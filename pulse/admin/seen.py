"""Forms that carry the version of what was read, so that of two operators the second is told of the first."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import QuerySet

from pulse import versions
from pulse.admin import actors
from pulse.admin.pages import VerbView
from pulse.models import AuditEvent
from pulse.problems import Problem, StaleVersion


class SeenForm(forms.Form):
    seen = forms.CharField(required=False, widget=forms.HiddenInput)


class SeenView(VerbView):
    """Who comes second loses nothing typed: they are told who came first, and can send it again.

    Templates show what there is now where `stale` says so.
    """

    is_stale = False

    # What the version is made from, as it is now.
    present: Callable[[], Any]

    def get_initial(self) -> dict[str, Any]:
        """What is sent is compared by the verb with the version that was shown, so it is not read again."""
        if self.request.method == "POST":
            return super().get_initial()
        present = self.present()
        return super().get_initial() | {"seen": versions.version(present)} | self.initial_of(present)

    def history(self) -> QuerySet[AuditEvent]:
        """The changes of what the form changes, the newest first."""
        return AuditEvent.objects.none()

    def initial_of(self, present: Any) -> dict[str, Any]:
        """What the form begins with."""
        return {}

    def blame(self, form: Any, problem: Problem) -> None:
        super().blame(form, problem)
        if isinstance(problem, StaleVersion):
            self.is_stale = True
            form.data = form.data.copy()
            form.data["seen"] = versions.version(self.present())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the change that came first for who is late and may read the audit log."""
        first = self.history()[:1] if self.is_stale and self.actor.may("pulse.view_auditevent") else ()
        came_first = next(iter(actors.name_actors(first)), None)
        return super().get_context_data(stale=self.is_stale, came_first=came_first, **kwargs)

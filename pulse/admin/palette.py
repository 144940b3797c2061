"""The palette that Ctrl+K opens: pages, actions, and what the apps find by a word.

Nobody finds what they may not open. Nothing is remembered between two searches, so that it holds at once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from pulse.admin import navigation
from pulse.models import AuditEvent

MOST = 40
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the palette, and where it leads."""

    title: str
    description: str
    link: str
    icon: str


Finder = Callable[[HttpRequest, str], Iterable[Found]]
_finders: list[tuple[str, Finder]] = []


def register(permission: str, finder: Finder) -> None:
    """Called by an app's admin module; `finder` is asked for those who hold the permission."""
    _finders.append((permission, finder))


def search(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """In place of django-unfold's, which lowers the case of what was typed and remembers what was found."""
    words = request.GET.get("s", "").strip()[:LONGEST]
    if not words or "\x00" in words:
        return HttpResponse()
    started = perf_counter()
    lines = Paginator(list(islice(find(request, words), MOST)), MOST)
    context = {
        "page_obj": lines,
        "results": lines.page(1),
        "page_counter": 0,
        "execution_time": perf_counter() - started,
    }
    return TemplateResponse(request, "unfold/helpers/command_results.html", context)


def find(request: HttpRequest, words: str) -> Iterator[Found]:
    """What the apps know by the words, then the pages and actions that are named so."""
    for permission, finder in _finders:
        if request.user.has_perm(permission):
            yield from finder(request, words)
    for section, item in navigation.reachable(request):
        if words.lower() in f"{section} {item.title}".lower():
            yield Found(item.title, section, reverse(item.route), item.icon)


def _audit_events(request: HttpRequest, words: str) -> Iterator[Found]:
    """By its number, or all of a request by its id."""
    number = words.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 19:
        for event in AuditEvent.objects.filter(sequence=int(number)):
            page = reverse("admin:pulse_auditevent_change", args=(event.sequence,))
            yield Found(str(event), "Audit log", page, "receipt_long")
    if AuditEvent.objects.filter(request_id=words).exists():
        page = f"{reverse('admin:pulse_auditevent_changelist')}?{urlencode({'q': words})}"
        yield Found(f"What request {words} changed", "Audit log", page, "receipt_long")


register("pulse.view_auditevent", _audit_events)
admin.site.search = search  # type: ignore[attr-defined]

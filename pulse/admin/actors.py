"""Names for the actors of audit events, which the log itself keeps as public UUIDs."""

import uuid
from collections.abc import Iterable, Iterator, Sequence

from django.contrib.auth import get_user_model

from pulse.models import AuditEvent


def name_actors(events: Iterable[AuditEvent]) -> Sequence[AuditEvent]:
    """The events with `names` and `actor_name`: e-mail addresses of users that still exist. One query."""
    events = list(events)
    names = names_of(one for event in events for one in _mentioned(event))
    for event in events:
        event.names = names  # type: ignore[attr-defined]
        event.actor_name = names.get(event.actor, event.actor)  # type: ignore[attr-defined]
    return events


def _mentioned(event: AuditEvent) -> Iterator[str]:
    """Every text of the event that may be a user's public UUID."""
    yield event.actor
    for values in (event.before, event.after):
        yield from (value for value in (values or {}).values() if isinstance(value, str))


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """The e-mail addresses of those actors that are users, by their public UUID."""
    ids = {one for one in map(uuid_of, set(actors)) if one is not None}
    if not ids:
        return {}
    users = get_user_model().objects.filter(public_id__in=ids)
    return {str(public_id): email for public_id, email in users.values_list("public_id", "email")}


def actor_named(words: str) -> str:
    """What the log keeps of the user with this e-mail address; other words stand for themselves."""
    user = get_user_model().objects.filter(email=words.lower()).first() if "@" in words else None
    return str(getattr(user, "public_id", words))


def uuid_of(text: str) -> uuid.UUID | None:
    """The public id that the text is, if it is one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

"""Domains whose addresses may not sign up: an installed list of disposable ones, and the operator's own."""

from functools import lru_cache
from pathlib import Path

from disposable_email_domains import blocklist
from django.conf import settings


def is_refused(email: str) -> bool:
    """Whether the domain or one above it is on a list."""
    labels = email.rpartition("@")[2].lower().split(".")
    names = {".".join(labels[first:]) for first in range(len(labels))}
    return not names.isdisjoint(blocklist) or not names.isdisjoint(blocked())


def blocked() -> frozenset[str]:
    """The lines of `PULSE_BLOCKED_DOMAINS`, read again when the file has changed."""
    file = Path(settings.PULSE_BLOCKED_DOMAINS)
    try:
        return _read(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return frozenset()


@lru_cache(maxsize=1)
def _read(file: Path, changed_at: int) -> frozenset[str]:
    lines = (line.partition("#")[0].strip().lower() for line in file.read_text().splitlines())
    return frozenset(filter(None, lines))

"""Domains whose addresses may not sign up, and those at which anybody may have one: installed lists, and the
operator's own."""

from functools import lru_cache
from pathlib import Path

from disposable_email_domains import blocklist
from django.conf import settings

PUBLIC_MAIL = Path(__file__).with_name("public_mail_domains.txt")


def is_refused(email: str) -> bool:
    """Whether the domain or one above it is on a list."""
    names = _with_those_above(email.rpartition("@")[2].lower())
    return not names.isdisjoint(blocklist) or not names.isdisjoint(blocked())


def is_anybodys(domain: str) -> bool:
    """Whether it, or one above it, gives mailboxes to whoever asks; or is one that may not sign up."""
    public = _read(PUBLIC_MAIL, PUBLIC_MAIL.stat().st_mtime_ns)
    return not _with_those_above(domain).isdisjoint(public) or is_refused(f"@{domain}")


def _with_those_above(domain: str) -> set[str]:
    labels = domain.split(".")
    return {".".join(labels[first:]) for first in range(len(labels))}


def blocked() -> frozenset[str]:
    """The lines of `PULSE_BLOCKED_DOMAINS`, read again when the file has changed."""
    file = Path(settings.PULSE_BLOCKED_DOMAINS)
    try:
        return _read(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return frozenset()


@lru_cache(maxsize=2)
def _read(file: Path, changed_at: int) -> frozenset[str]:
    lines = (line.partition("#")[0].strip().lower() for line in file.read_text().splitlines())
    return frozenset(filter(None, lines))

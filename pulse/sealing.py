"""Secrets that Pulse has to read again, encrypted at rest by keys that are not in the database."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """The secret was sealed by a key that is not among the present ones."""


def seal(text: str) -> str:
    """The text, readable by whoever has the first of `PULSE_ENCRYPTION_KEYS`."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text. Raises `Unreadable`."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    """The first seals, each opens; without any, one that is derived from the secret key."""
    given = settings.PULSE_ENCRYPTION_KEYS or [settings.SECRET_KEY]
    return MultiFernet([Fernet(_derived(key)) for key in given])


def _derived(key: str) -> bytes:
    """A key of a purpose of its own. Keys are long and random, so that one hash is enough."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"pulse.sealing " + key.encode()).digest())

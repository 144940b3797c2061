"""Hash chains in a table: each row names the hash of the row before it, and a head row names the last.

The audit log and the evidence are such chains. Whoever changes, removes or reorders rows by SQL is found
by walking the chain.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models, transaction

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Broken:
    """The first link that does not hold, and why."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Chain:
    """`links` has the columns `sequence`, `previous_hash` and `hash`, and those of `content`, which are
    hashed with the former two; `head` has one row with `sequence` and `hash`.

    `noun` and `whole` are what a link and all of them are called, `at_once` is how many are read into memory.
    `flaw` looks for what the hash does not cover.
    """

    links: type[models.Model]
    head: type[models.Model]
    content: tuple[str, ...]
    noun: str
    whole: str
    at_once: int = 2000
    flaw: Callable[[Any], str] = lambda link: ""

    @contextmanager
    def writing(self) -> Iterator[Callable[[Any], None]]:
        """Within the block, a function that makes a row the next link, without saving it.

        Locks the head row until the caller's transaction ends, so writers take turns.
        """
        heads: Any = self.head._default_manager
        with transaction.atomic():
            heads.get_or_create(id=1)
            head = heads.select_for_update().get(id=1)

            def add(link: Any) -> None:
                link.sequence, link.previous_hash = head.sequence + 1, head.hash
                link.hash = self.digest(link)
                head.sequence, head.hash = link.sequence, link.hash

            yield add
            head.save(update_fields=("sequence", "hash"))

    def digest(self, link: Any) -> str:
        """SHA-256 over the link's canonical JSON, the previous hash included."""
        names = ("sequence", *self.content, "previous_hash")
        content = {name: _canonical(getattr(link, name)) for name in names}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def verify(self, *, using: str = DEFAULT_DB_ALIAS) -> Broken | None:
        """Walk the whole chain in constant memory; the first broken link, or None when it holds.

        The head is read before and after the walk, because writers go on meanwhile: the walk must reach the
        first and must not pass the second.
        """
        earlier = self.last(using=using)
        links = (
            self.links._default_manager.using(using).order_by("sequence").iterator(chunk_size=self.at_once)
        )
        expected = 1
        for broken, link in self.walk(links, previous=GENESIS, first=1):
            if broken:
                return broken
            if link.sequence == earlier.sequence and link.hash != earlier.hash:
                return Broken(link.sequence, f"it is not the {self.noun} that the head names")
            expected = link.sequence + 1
        if expected <= earlier.sequence:
            return Broken(expected, f"the {self.whole} ends before {self.noun} {earlier.sequence}")
        if expected > (latest := self.last(using=using).sequence) + 1:
            return Broken(latest + 1, "the head does not know of it")
        return None

    def walk(self, links: Iterable[Any], *, previous: str, first: int) -> Iterator[tuple[Broken | None, Any]]:
        """Each link of a segment with what is wrong with it; nothing follows the first broken one."""
        for expected, link in enumerate(links, start=first):
            reason = self._wrong(link, previous=previous, expected=expected)
            if reason:
                missing = link.sequence != expected
                yield Broken(expected if missing else link.sequence, reason), link
                return
            yield None, link
            previous = link.hash

    def _wrong(self, link: Any, *, previous: str, expected: int) -> str:
        if link.sequence != expected:
            return f"{self.noun} {expected} is missing"
        if link.previous_hash != previous:
            return f"it does not follow the {self.noun} before it"
        if self.digest(link) != link.hash:
            return "its content does not match its hash"
        return self.flaw(link)

    def last(self, *, using: str = DEFAULT_DB_ALIAS) -> Any:
        """The head, or one of an empty chain before the first link."""
        return self.head._default_manager.using(using).filter(pk=1).first() or self.head(id=1)


def _canonical(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value

"""A caller of the HTTP door: JSON out and in, each request on a connection of its own, so that any worker
may get it."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from pulse.hosts import host_for
from runbooks.drills.declaration import Unexpected

PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """`asked` is the request's method and path."""

    asked: str
    status: int
    raw: bytes
    headers: dict[str, str]

    @property
    def body(self) -> Any:
        """The JSON, or None for what is none."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    def expect(self, status: int, code: str = "") -> "Answer":
        """Itself, or `Unexpected` when it has another status or another problem's code."""
        if (self.status, self.code if code else "") != (status, code):
            wanted, seen = f"{status} {code}".rstrip(), f"{self.status} {self.code}".rstrip()
            raise Unexpected(f"{self.asked}: expected {wanted}, got {seen}")
        return self


class Caller:
    """`tell` is told of each answer in a line."""

    def __init__(self, base: str, token: str = "", *, tell: Callable[[str], object]) -> None:
        self.base, self.token, self.tell = base, token, tell

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, body, headers=headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("PUT", path, body, headers=headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.ask("DELETE", path, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str],
        patience: float | None = None,
    ) -> Answer:
        """Header names are given with underscores. Raises `Unexpected` when nothing answers."""
        parts = urlsplit(self.base)
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = connect(parts.hostname or "", parts.port, timeout=patience or PATIENCE_SECONDS)
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | self._headers(
            parts.netloc
        )
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, parts.path.rstrip("/") + path, data, sent)
            response = connection.getresponse()
            answer = Answer(f"{method} {path}", response.status, response.read(), dict(response.getheaders()))
        except (OSError, http.client.HTTPException) as error:
            raise Unexpected(f"{method} {path}: nothing answers at {self.base}: {error}") from error
        finally:
            connection.close()
        self.tell(f"{answer.asked}: {answer.status} {answer.code}".rstrip())
        return answer

    def _headers(self, netloc: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Host": host_for(netloc)}
        if settings.SECURE_PROXY_SSL_HEADER and self.base.startswith("http:"):
            # As the proxy in front does, past which the drill goes.
            headers["X-Forwarded-Proto"] = "https"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

"""A caller of the HTTP API within the process: JSON in, JSON out, with or without a token."""

from typing import Any

from django.http import HttpResponse
from django.test import Client


class Caller:
    def __init__(self, client: Client, token: str | None) -> None:
        self.client = client
        self.token = token

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(path, headers=self._headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._send("post", path, body, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._send("put", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._send("patch", path, body, headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self._send("delete", path, None, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        sent = {} if body is None else body
        return getattr(self.client, method)(
            path, data=sent, content_type="application/json", headers=self._headers(headers)
        )

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Header names are given with underscores: `x_pulse_org_id`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent.setdefault("authorization", f"Bearer {self.token}")
        return sent


def code(response: HttpResponse) -> tuple[int, str]:
    """The status and the problem's code, which is what clients decide by."""
    return response.status_code, response.json()["code"]

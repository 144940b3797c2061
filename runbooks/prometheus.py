"""Questions to the Prometheus that scrapes Pulse, at `PULSE_PROMETHEUS_URL`."""

import json
import math
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.conf import settings

TIMEOUT_SECONDS = 3


class Unreachable(Exception):
    """Prometheus did not answer, or not with what was asked."""


def query(expression: str) -> list[tuple[dict[str, str], float]]:
    """The labels and the value of each of the expression's samples now; NaN is left out.

    Raises `Unreachable`.
    """
    address = settings.PULSE_PROMETHEUS_URL.rstrip("/") + "/api/v1/query"
    # Posted, because a long expression does not fit into an address.
    request = Request(address, data=urlencode({"query": expression}).encode())  # noqa: S310
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            return _samples(json.load(response))
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"Prometheus does not answer: {error}") from error


def _samples(answer: dict[str, Any]) -> list[tuple[dict[str, str], float]]:
    samples = [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]
    return [(labels, value) for labels, value in samples if not math.isnan(value)]

"""The logs: one JSON object a line, with the request id, and with nothing that must not be read there."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from django.test import Client
from django.urls import reverse

from pulse import logs
from tests.api import Caller
from tests.factories import make_organization, member_token

TOKEN = "pulse_" + "Ab-9_" * 8


class Written:
    """What the console's formatter makes of the records."""

    def __init__(self) -> None:
        self.stream = StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def written() -> Iterator[Written]:
    """All records of level INFO and above, formatted as in production."""
    log = Written()
    handler = logging.StreamHandler(log.stream)
    handler.setFormatter(logs.formatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield log
    root.removeHandler(handler)
    root.setLevel(level)


def requests_of(written: Written) -> list[dict]:
    return [line for line in written.lines if line["event"] == "request"]


def test_a_request_is_one_line_with_its_id(client: Client, written: Written) -> None:
    client.get("/healthz?token=secret", headers={"x-request-id": "mine"})
    (line,) = requests_of(written)
    assert {name: line[name] for name in ("method", "path", "status", "request_id", "level")} == {
        "method": "GET", "path": "/healthz", "status": 200, "request_id": "mine", "level": "info",
    }  # fmt: skip
    assert line["timestamp"].endswith("Z")
    assert "secret" not in written.text


def test_the_standard_librarys_records_are_json_too(written: Written) -> None:
    logging.getLogger("some.library").warning("%s of %d", "three", 4)
    (line,) = written.lines
    assert (line["event"], line["level"], line["logger"]) == ("three of 4", "warning", "some.library")


def test_what_is_logged_during_a_request_carries_its_id(client: Client, written: Written) -> None:
    client.get("/nowhere", headers={"x-request-id": "mine"})
    assert {line["request_id"] for line in written.lines} == {"mine"}


def test_an_id_ends_with_its_request(client: Client, written: Written) -> None:
    client.get("/healthz")
    structlog.get_logger("test").info("afterwards")
    assert "request_id" not in written.lines[-1]


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"Authorization: Bearer {TOKEN}",
        "Authorization: Bearer some.other-token",
        "whsec_4eC39HqLyjWDarjtT1zdp7dc",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "rk_live_4eC39HqLyjWDarjtT1zdp7dc",
    ],
)
def test_no_secret_is_written(written: Written, text: str) -> None:
    structlog.get_logger("test").info("given", value=text)
    logging.getLogger("test").info("given %s", text)
    assert text.split()[-1] not in written.text
    assert written.text.count("[secret]") == 2


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com",
        "Ann.Bee+tag@mail.example.co.uk",
        "o'brien@example.com",
        "owner@localhost",
        "jürgen@bücher.example",
    ],
)
def test_no_email_address_is_written(written: Written, address: str) -> None:
    structlog.get_logger("test").info(f"mail to {address} failed", to=address)
    logging.getLogger("test").info("mail to %s failed", address)
    for part in (address, address.partition("@")[0], address.partition("@")[2]):
        assert part not in written.text


@pytest.mark.parametrize(
    "value",
    [
        ["ann@example.com"],
        {"errors": {"email": ("ann@example.com",)}},
        {"ann@example.com": 1},
        {"ann@example.com"},
        ValueError("ann@example.com"),
    ],
)
def test_nothing_nested_escapes(written: Written, value: object) -> None:
    structlog.get_logger("test").info("given", value=value)
    assert "[email]" in written.text
    assert "ann@" not in written.text


def test_numbers_and_truth_stay_what_they_are(written: Written) -> None:
    structlog.get_logger("test").info("given", value={"a": [1, 2.5, True, None]})
    assert written.lines[0]["value"] == {"a": [1, 2.5, True, None]}


def test_a_traceback_is_written_on_one_line_and_scrubbed(written: Written) -> None:
    try:
        int(f"no user ann@example.com with {TOKEN}")
    except ValueError:
        structlog.get_logger("test").exception("failed")
        logging.getLogger("test").exception("failed")
    assert len(written.lines) == 2
    for line in written.lines:
        assert "base 10: 'no user [email] with [secret]" in line["exception"]
    assert "ann@" not in written.text
    assert TOKEN not in written.text


def test_an_address_in_a_path_is_scrubbed(client: Client, written: Written) -> None:
    client.get("/people/ann@example.com")
    assert requests_of(written)[0]["path"] == "/people/[email]"


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("account_reset_password_from_key", ("3", "d1u9w2-0f5ab1cc7e6a1c4f8d2b9e3a7c5d1e60")),
        ("account_confirm_email", ("MTI:1wKq9s:Zk3_vQpX8yT-r1NwLbA5",)),
        ("invitation", ("pVJ2c6sWm4n0aZtRk8yQ:h7LdXf1BuEo9",)),
        ("signup_finish", ("Nw:1wKq9s:Zk3_vQpX8yT-r1NwLbA5",)),
    ],
)
@pytest.mark.usefixtures("database")
def test_what_lets_the_reader_of_a_mailed_link_in_is_scrubbed_from_its_path(
    client: Client, written: Written, name: str, link: tuple[str, ...]
) -> None:
    client.get(reverse(name, args=link))
    assert "[secret]" in requests_of(written)[0]["path"]
    assert link[-1] not in written.text


def test_a_whole_working_day_leaves_no_secret_and_no_address(operator: Caller, written: Written) -> None:
    make_organization("acme")
    member = Caller(operator.client, member_token("acme"))
    operator.post("/api/admin/orgs", {"email": "bob@example.com", "name": "Bob Ltd"})
    operator.post("/api/admin/orgs/acme/suspend", {"reason": "unpaid"})
    member.get("/api/org/members?search=owner@acme.example")
    Caller(operator.client, TOKEN).get("/api/org")
    operator.client.post("/api/public/signup", {"email": "eve@example.com"}, content_type="application/json")
    assert len(requests_of(written)) == 5
    assert "pulse_" not in written.text
    assert "@" not in written.text

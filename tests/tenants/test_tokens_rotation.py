"""A token is rotated without a gap: old and new work together for a set time, and a finder gains nothing."""

import re
import zlib
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pulse.models import AuditEvent
from tests.admin import sign_in
from tests.api import Caller, code
from tests.factories import make_member, make_organization, member_token, owner_of

pytestmark = pytest.mark.usefixtures("database")

TOKENS = "/api/org/tokens"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def owner(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


@pytest.fixture
def browser(owner: Caller) -> Caller:
    """The owner, who has just signed in."""
    client = Client()
    sign_in(client, owner_of("acme"))
    return Caller(client, None)


def make(caller: Caller, *scopes: str, **more: int) -> dict:
    return caller.post(TOKENS, {"scopes": list(scopes) or ["read"], **more}).json()


def rotate(caller: Caller, token: dict, **more: int):
    return caller.post(f"{TOKENS}/{token['id']}/rotate", more)


def works(token: dict) -> bool:
    return Caller(Client(), token["token"]).get("/edge/check").status_code == 204


def at(**later: int):
    return time_machine.travel(timezone.now() + timedelta(**later))


def test_both_work_until_the_overlap_is_over(browser: Caller) -> None:
    old = make(browser, "read", "check")
    new = rotate(browser, old).json()
    assert (new["scopes"], works(old), works(new)) == (["check", "read"], True, True)
    with at(hours=23, minutes=59):
        assert works(old)
    with at(hours=24, seconds=1):
        assert (works(old), works(new)) == (False, True)


def test_without_an_overlap_the_old_one_ends_at_once(browser: Caller) -> None:
    old = make(browser)
    rotate(browser, old, overlap_hours=0)
    assert not works(old)


def test_the_new_one_lasts_as_long_as_the_old_was_made_for(browser: Caller) -> None:
    old = make(browser, expires_days=4)
    with at(days=3):
        sign_in(browser.client, owner_of("acme"))
        new = rotate(browser, old).json()
    with at(days=6):
        assert works(new)
    with at(days=8):
        assert not works(new)


def test_a_token_that_rotates_itself_gains_no_time_and_falls_with_the_old_one(browser: Caller) -> None:
    old = make(browser, "read", "write", expires_days=1)
    new = rotate(Caller(Client(), old["token"]), old).json()
    assert new["expires_at"] == old["expires_at"]
    browser.delete(f"{TOKENS}/{old['id']}")
    assert not works(new)


def test_what_a_rotated_token_has_made_goes_with_its_successor(browser: Caller) -> None:
    old = make(browser, "read", "write")
    child = make(Caller(Client(), old["token"]))
    new = rotate(browser, old).json()
    browser.delete(f"{TOKENS}/{old['id']}")
    assert works(child)
    browser.delete(f"{TOKENS}/{new['id']}")
    assert not works(child)


@pytest.mark.parametrize("hours", [-1, 169, "24", None])
def test_an_overlap_that_cannot_be_is_refused(hours, browser: Caller) -> None:
    assert code(rotate(browser, make(browser), overlap_hours=hours)) == (400, "invalid_overlap")


def test_a_revoked_token_is_not_brought_back_by_rotating_it(browser: Caller) -> None:
    old = make(browser)
    browser.delete(f"{TOKENS}/{old['id']}")
    assert code(rotate(browser, old)) == (409, "token_over")


def test_a_token_rotates_none_with_more_scopes_than_its_own(browser: Caller) -> None:
    writer, reader = make(browser, "write"), make(browser, "read")
    assert code(rotate(Caller(Client(), writer["token"]), reader)) == (403, "beyond_yourself")


def test_others_tokens_are_not_ones_own_to_rotate(owner: Caller) -> None:
    bob = Caller(Client(), member_token("acme", make_member("acme", roles=["admin"])))
    assert code(rotate(bob, make(owner))) == (404, "not_found")


def test_a_session_that_is_not_fresh_rotates_nothing(browser: Caller) -> None:
    old = make(browser)
    with at(minutes=16):
        assert code(rotate(browser, old)) == (403, "reauthentication_required")


def test_it_is_told_who_made_a_token_and_when_it_was_last_used(browser: Caller) -> None:
    made = make(browser)
    assert made["created_by"] == str(owner_of("acme").public_id)
    assert works(made)
    [shown] = browser.get(f"{TOKENS}?prefix={made['prefix']}").json()["results"]
    assert shown["last_used_at"] is not None


def test_a_rotation_is_in_the_audit_log(browser: Caller) -> None:
    old = make(browser)
    new = rotate(browser, old).json()
    event = AuditEvent.objects.filter(verb="token.rotate").get()
    assert (event.after["rotated"], event.after["prefix"]) == (old["prefix"], new["prefix"])


def test_scanners_find_a_token_and_tell_it_from_a_look_alike(owner: Caller) -> None:
    [found] = re.findall(r"\bpulse_[0-9A-Za-z]{49}\b", f'TOKEN="{owner.token}" # ours')
    secret, check = found[6:49], found[49:]
    number = sum(BASE62.index(digit) * 62**place for place, digit in enumerate(reversed(check)))
    assert number == zlib.crc32(secret.encode())

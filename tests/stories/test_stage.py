"""Stories of the stage private_beta: a drill fails and the gate shuts, and a customer comes in by a code."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone

from pulse import jobs
from pulse import tasks as pulse_tasks
from runbooks import verdicts
from tenants import tasks
from tests.needs import chromium
from tests.processes import ROOT, manage, web_server
from tests.runbooks.conftest import repository as repository
from tests.runbooks.world import Repository, ready
from tests.stories.conftest import EMAIL, SIGNUPS
from tests.stories.operator import PASSWORD, Operator, at_the_admin, meanwhile, told

pytestmark = [pytest.mark.drill, chromium]

STAGE = "private_beta"


@dataclass
class Stage:
    """The settings of its processes, and where they keep what they tell."""

    own: dict[str, str]
    folder: Path

    @contextmanager
    def served(self, **changes: str) -> Iterator[str]:
        with web_server(self.folder, workers=1, **self.own, **changes) as base:
            self.own["PULSE_DRILL_URL"] = base
            yield base

    def work_off(self) -> None:
        """What is in the queue, by a worker."""
        done = manage("db_worker", "--batch", **self.own)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def stage(customers: None, repository: Repository, settings, tmp_path: Path) -> Stage:
    """One for which a verdict is signed."""
    ready()
    verdicts.sign(STAGE, actor=SIGNUPS, reason="Every packet is approved, and every drill has passed")
    own = {
        "DJANGO_SETTINGS_MODULE": "tests.stories.staged_settings",
        "PULSE_CODE": str(repository.folder),
        # For a drill's own server, which is started in that folder.
        "PYTHONPATH": str(ROOT),
        "PULSE_LANES_DIR": str(repository.lanes),
        "PULSE_STAGE": STAGE,
        "PULSE_HOSTED_MODE": "true",
        "PULSE_SECRET_KEY": settings.SECRET_KEY,
        "PULSE_ALLOWED_HOSTS": "127.0.0.1",
        "PULSE_SSL_REDIRECT": "false",
        "PULSE_REQUIRE_OPERATOR_MFA": "false",
        "PULSE_SIGNUP_DIRECT": "false",
    }
    return Stage(own, tmp_path)


def hold_the_drill(ada: Operator, stage: Stage) -> None:
    ada.find("drills", "Drills")
    ada.open("Suspend and unsuspend")
    ada.page.get_by_role("button", name="Run now").click()
    ada.reads("A worker holds the drill")
    stage.work_off()


def test_a_drill_fails_and_the_gate_shuts_until_it_is_signed_anew(
    stage: Stage, token: str, tmp_path: Path
) -> None:
    for role in ("worker", "scheduler"):
        jobs.beat(name=role, role=role, now=timezone.now())
    with at_the_admin("", tmp_path) as ada:
        # Nobody notices a suspension any more.
        with stage.served(PULSE_BROKEN="tenants.gate.check_lifecycle") as ada.base:
            ada.sign_in(EMAIL)
            ada.reads("Hosted mode is open")
            assert told(ada.base, token) == (200, "")
            hold_the_drill(ada, stage)
            ada.reads("expected 403 org_suspended, got 200")
            assert told(ada.base, token) == (404, "not_found")
            ada.open("Overview")
            ada.reads("Hosted mode is shut", "The drill lifecycle-round-trip failed")
            ada.keep_picture("shut")
        with stage.served() as ada.base:
            ada.page.goto(ada.base + "/admin/")
            hold_the_drill(ada, stage)
            ada.open("Readiness")
            ada.do("Sign the verdict", reason="The gate's step is back, and the drill has passed")
            ada.reads("GO_WITH_CONDITIONS is signed for private_beta")
            ada.keep_picture("signed")
            assert told(ada.base, token) == (200, "")


def test_an_invited_customer_signs_up(stage: Stage, tmp_path: Path) -> None:
    with stage.served() as base, at_the_admin(base, tmp_path) as ada:
        ada.sign_in(EMAIL)
        ada.find("invitation", "Add invitation code")
        ada.answer(email="ingrid@lindgren.example", note="Met at the trade fair")
        ada.reads("has been created")
        code = ada.page.locator(".pulse-secret").inner_text()
        sign_up(ada.another_browser(), base, code)
        ada.find("lindgren", "Lindgren Bakeries")
        ada.reads("Active since", "ingrid@lindgren.example")
        ada.keep_picture("invited")


def sign_up(page, base: str, code: str) -> None:
    page.goto(base + "/signup")
    page.get_by_label("Email").fill("ingrid@lindgren.example")
    page.get_by_label("Organization").fill("Lindgren Bakeries")
    page.get_by_label("Invitation code").fill(code)
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("heading", name="Look into your mail").wait_for()
    meanwhile(tasks.answer_signups.call)
    meanwhile(pulse_tasks.deliver_mails.call)
    page.goto(base + re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[-1].body)[1])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the organization").click()
    page.get_by_role("heading", name="Your account").wait_for()

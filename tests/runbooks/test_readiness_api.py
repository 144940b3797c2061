"""The API of readiness: it answers while hosted mode is shut, to operators, and signs as they may."""

import pytest
from django.test import Client
from django_tasks_db.models import DBTaskResult

from runbooks import verdicts
from runbooks.models import EvidenceRun, Packet
from tests.api import Caller, code
from tests.factories import make_organization, member_token, operator_token
from tests.runbooks.world import Repository, implement, ready, work_off

pytestmark = pytest.mark.usefixtures("database")

STAGE = "private_beta"
BOARD = "/api/admin/readiness"


@pytest.fixture(autouse=True)
def shut(settings) -> None:
    settings.PULSE_STAGE = STAGE


def caller(group: str) -> Caller:
    return Caller(Client(), operator_token(group))


def test_the_board_answers_while_the_gate_is_shut(operator: Caller) -> None:
    board = operator.get(BOARD).json()
    assert (board["stage"], board["outcome"], board["verdict_stands"]) == (STAGE, "NO_GO", False)
    assert code(operator.get("/api/admin/orgs")) == (404, "not_found")


def test_another_stage_can_be_asked_for(operator: Caller) -> None:
    assert operator.get(BOARD + "?stage=ga").json()["stage"] == "ga"
    assert code(operator.get(BOARD + "?stage=beta")) == (400, "unknown_stage")


def test_it_is_for_operators(nobody: Caller, settings) -> None:
    make_organization("acme")
    assert nobody.get(BOARD).status_code == 401
    assert code(Caller(Client(), member_token("acme")).get(BOARD)) == (403, "permission_denied")


def test_signing_opens_the_gate_and_revoking_shuts_it(repository: Repository, operator: Caller) -> None:
    ready()
    signed = operator.post(BOARD + "/verdicts", {"stage": STAGE, "reason": "all is proved"})
    assert (signed.status_code, signed.json()["outcome"]) == (201, "GO_WITH_CONDITIONS")
    assert operator.get("/api/admin/orgs").status_code == 200
    revoked = operator.post(f"{BOARD}/verdicts/{signed.json()['id']}/revoke", {"reason": "a leak"})
    assert revoked.json()["state"] == "revoked"
    assert operator.get("/api/admin/orgs").status_code == 404
    assert [found["state"] for found in operator.get(BOARD + "/verdicts").json()["results"]] == ["revoked"]


@pytest.mark.parametrize(("body", "refusal"), [
    ({"stage": STAGE, "reason": "why not"}, (409, "no_go")),
    ({"stage": STAGE, "reason": "why not", "outcome": "GO"}, (409, "outcome_changed")),
    ({"stage": "beta", "reason": "why not"}, (400, "unknown_stage")),
    ({"stage": STAGE, "reason": " "}, (400, "invalid_reason")),
    ({"stage": STAGE}, (400, "invalid_reason")),
])  # fmt: skip
def test_what_cannot_be_signed_is_refused(operator: Caller, body: dict, refusal: tuple[int, str]) -> None:
    assert code(operator.post(BOARD + "/verdicts", body)) == refusal


def test_signing_takes_the_permission(repository: Repository) -> None:
    ready()
    for group in ("operator", "reviewer", "support"):
        refused = caller(group).post(BOARD + "/verdicts", {"stage": STAGE, "reason": "let me"})
        assert code(refused) == (403, "permission_denied")
    assert not verdicts.stands(STAGE)


def test_evidence_is_run_by_a_worker_as_the_one_who_asked(repository: Repository) -> None:
    repository.packet()
    asked = caller("operator").post(BOARD + "/evidence", {"packet": "ONE", "role": "implementer"})
    assert asked.status_code == 202
    work_off()
    run = EvidenceRun.objects.get()
    assert (run.passed, run.actor_kind, Packet.objects.get().state) == (True, "user", "implemented")
    [shown] = caller("support").get(BOARD + "/evidence").json()["results"]
    assert (shown["subject"], shown["passed"], shown["records"]) == ("ONE", True, [1])


def test_what_would_be_refused_is_not_put_into_the_queue(repository: Repository) -> None:
    repository.packet()
    early = caller("reviewer").post(BOARD + "/evidence", {"packet": "ONE", "role": "reviewer"})
    assert code(early) == (409, "packet_state")
    assert code(caller("reviewer").post(BOARD + "/evidence", {"packet": "SIX", "role": "reviewer"})) == (
        404, "packet_not_found",
    )  # fmt: skip
    assert not DBTaskResult.objects.filter(task_path__endswith="run_evidence").exists()


def test_a_record_is_answered_with_its_output(repository: Repository, operator: Caller) -> None:
    implement(repository.packet(["echo", "<b>fine</b>"]))
    record = operator.get(BOARD + "/evidence/records/1").json()
    assert (record["output"], record["argv"], record["passed"]) == (
        "<b>fine</b>\n",
        ["echo", "<b>fine</b>"],
        True,
    )
    assert code(operator.get(BOARD + "/evidence/records/2")) == (404, "record_not_found")

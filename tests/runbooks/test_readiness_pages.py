"""The operators' pages of readiness: may we run this stage, why, what is missing, and what to do next."""

import re

import pytest
from django.test import Client

from runbooks import verdicts
from runbooks.models import EvidenceRecord, Verdict
from tests.admin import said, sign_in, signed_in, text, who_may_open
from tests.factories import make_operator
from tests.runbooks.tampering import drop_triggers, set_column
from tests.runbooks.world import (
    Repository,
    implement,
    implementer,
    last_record,
    ready,
    state,
    work_off,
)

pytestmark = pytest.mark.usefixtures("database")

BOARD = "/admin/runbooks/packet/"
SIGN = "/admin/runbooks/verdict/sign/?stage=private_beta"
EVIDENCE = "/admin/runbooks/evidencerecord/"
ALL = {"support", "operator", "billing", "admin"}
PACKET = f"{BOARD}own/ONE/"


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin")


def signing(client: Client, outcome: str = "GO_WITH_CONDITIONS", reason: str = "Looked at it all.") -> Client:
    return client.post(SIGN, {"outcome": outcome, "reason": reason}, follow=False)


@pytest.mark.parametrize("path", [BOARD, f"{BOARD}rollout/", f"{BOARD}hosted-operations/HOP-02/", EVIDENCE])
def test_every_operator_reads(path: str) -> None:
    assert who_may_open(path) == ALL


def test_only_admins_sign() -> None:
    assert who_may_open(SIGN) == {"admin"}


def test_the_board_of_a_new_installation_says_what_is_missing_and_what_to_do(admin: Client) -> None:
    page = text(admin.get(BOARD))

    assert "NO_GO" in page or "NO GO" in page
    assert "manage.py evidence run HOP-00 --as implementer" in page
    assert "manage.py drill run gate-closing" in page
    assert "the drill gate-closing was never held" in page


def test_the_way_back_from_a_packet_has_the_boards_name(admin: Client) -> None:
    page = text(admin.get(f"{BOARD}hosted-operations/HOP-02/"))
    assert re.search(rf'<a href="{BOARD}"[^>]*>\s*Readiness\s*</a>', page)


def test_an_unknown_stage_is_not_found(admin: Client) -> None:
    assert admin.get(f"{BOARD}?stage=staging").status_code == 404


def test_a_verdict_is_signed_on_the_outcome_that_was_seen(admin: Client, repository: Repository) -> None:
    ready()
    assert "Sign GO_WITH_CONDITIONS for private_beta" in text(admin.get(SIGN))

    answer = signing(admin)

    assert said(answer) == ["GO_WITH_CONDITIONS is signed for private_beta."]
    assert verdicts.stands("private_beta")


def test_an_outcome_that_has_changed_meanwhile_is_not_signed(admin: Client, repository: Repository) -> None:
    ready()

    answer = signing(admin, outcome="GO")

    assert "It is GO_WITH_CONDITIONS now, and not GO. Look again." in text(answer)
    assert not Verdict.objects.exists()


def test_a_verdict_needs_a_reason(admin: Client, repository: Repository) -> None:
    ready()
    signing(admin, reason="")
    assert not Verdict.objects.exists()


def test_an_old_session_confirms_before_it_signs(database: None, repository: Repository) -> None:
    ready()
    client = Client()
    client.force_login(make_operator("admin"))

    assert client.get(SIGN)["Location"].startswith("/account/reauthenticate/")
    assert signing(client)["Location"].startswith("/account/reauthenticate/")
    assert not Verdict.objects.exists()


def test_revoking_is_offered_until_the_verdict_has_ended(admin: Client, repository: Repository) -> None:
    ready()
    signing(admin)
    number = Verdict.objects.get().pk
    page = f"/admin/runbooks/verdict/{number}/change/"
    assert "revoke/" in text(admin.get(page))

    admin.post(f"/admin/runbooks/verdict/{number}/revoke/", {"reason": "a leak"})

    assert not verdicts.stands("private_beta")
    assert "revoke/" not in text(admin.get(page))
    assert "a leak" in text(admin.get(page))
    assert "revoked" in text(admin.get("/admin/runbooks/verdict/"))


def test_the_list_of_verdicts_asks_no_more_for_more_of_them(admin: Client, repository: Repository) -> None:
    from tests.admin import queries

    ready()
    signing(admin)
    one = queries(admin, "/admin/runbooks/verdict/")
    for _ in range(4):
        signing(admin)

    assert queries(admin, "/admin/runbooks/verdict/") == one


def test_a_run_that_is_asked_for_on_the_page_is_done_by_a_worker_as_its_asker(repository: Repository) -> None:
    repository.packet()
    repository.commit()
    operator = make_operator("operator")
    client = Client(headers={"accept": "text/html"})
    sign_in(client, operator)

    asked = client.post(f"{PACKET}implement/")
    waiting = text(client.get(PACKET))
    work_off()

    assert said(asked) == ["The evidence of ONE is in the queue."]
    assert "In the queue" in waiting
    assert last_record().actor == str(operator.public_id)
    assert "implemented" in text(client.get(PACKET))


def test_nobody_is_offered_to_review_their_own_run(repository: Repository) -> None:
    proved = repository.packet()
    repository.commit()
    person = make_operator("admin")
    client = Client(headers={"accept": "text/html"})
    sign_in(client, person)
    from tests.factories import acting

    implement(proved, acting(person))
    client.post(f"{PACKET}review/")
    work_off()

    assert state(proved) == "implemented"
    assert EvidenceRecord.objects.count() == 1


def test_a_reviewer_rejects_with_a_reason(admin: Client, repository: Repository) -> None:
    proved = repository.packet()
    repository.commit()
    implement(proved, implementer())

    admin.post(f"{PACKET}reject/", {"reason": "Proves nothing"})

    assert state(proved) == "rejected"


def test_an_output_is_shown_as_text_and_never_as_markup(admin: Client, repository: Repository) -> None:
    proved = repository.packet(["echo", "<script>alert(1)</script>"])
    repository.commit()
    implement(proved)
    number = last_record().sequence

    page = admin.get(f"{EVIDENCE}{number}/change/")
    file = admin.get(f"{EVIDENCE}{number}/output/")

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text(page)
    assert "<script>alert(1)" not in text(page)
    assert file["Content-Disposition"] == f'attachment; filename="evidence-{number}.txt"'
    assert file.content == b"<script>alert(1)</script>\n"


def test_a_tampered_record_is_named(admin: Client, repository: Repository) -> None:
    proved = repository.packet()
    repository.commit()
    implement(proved, implementer())
    assert "The evidence is whole" in text(admin.get(f"{EVIDENCE}verify/"))
    drop_triggers()
    set_column("exit_code", 7, sequence=last_record().sequence)

    assert "The evidence is broken at record #1" in text(admin.get(f"{EVIDENCE}verify/"))


def test_the_header_says_that_a_verdict_is_missing(admin: Client, settings) -> None:
    settings.PULSE_STAGE = "private_beta"
    assert "gate shut: no verdict" in text(admin.get(BOARD))

"""How the ground floor's rows name themselves to an operator, and what its tables refuse."""

import pytest
from django.db import IntegrityError, models

from pulse.models import AuditEvent, AuditHead, Heartbeat, IdempotencyKey, KillSwitch, Schedule


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (
            AuditEvent(sequence=7, verb="organization.suspend", organization="acme"),
            "#7 organization.suspend acme",
        ),
        (AuditEvent(sequence=8, verb="hosted_mode.kill"), "#8 hosted_mode.kill"),
        (AuditHead(sequence=8), "head #8"),
        (KillSwitch(killed=True), "hosted mode is shut"),
        (KillSwitch(killed=False), "hosted mode is not shut"),
        (Schedule(name="tidy"), "tidy"),
        (Heartbeat(name="worker-1"), "worker-1"),
        (IdempotencyKey(key="4711"), "4711"),
    ],
)
def test_a_row_is_named(row: models.Model, name: str) -> None:
    assert str(row) == name


@pytest.mark.usefixtures("database")
def test_there_is_one_kill_switch_at_most() -> None:
    with pytest.raises(IntegrityError):
        KillSwitch.objects.create(id=2)

"""Drills of the lifecycle: suspensions, deletions, retention, and the organization that is spared all."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from runbooks.drills.caller import Answer
from runbooks.drills.rehearsal import ORGS, Rehearsal
from tenants.models import DEFAULT_ORGANIZATION

# Enough that with several worker processes most of them are asked.
ASKED = 4
NEVER_USED = "drill-never-used"


def members_are_let_in(rehearsal: Rehearsal) -> None:
    """The tenant's people are let in"""
    for _ in range(ASKED):
        rehearsal.tenant().owner.get("/api/org").expect(200)


def suspend(rehearsal: Rehearsal) -> None:
    """Suspend the tenant"""
    answer = rehearsal.operator.post(f"{rehearsal.tenant().path}/suspend", {"reason": "a drill"}).expect(200)
    rehearsal.expect(answer.body["status"] == "suspended", "the status suspended", answer.body["status"])


def members_are_refused(rehearsal: Rehearsal) -> None:
    """Its people are refused from the next request on"""
    for _ in range(ASKED):
        rehearsal.tenant().owner.get("/api/org").expect(403, "org_suspended")


def it_is_whole(rehearsal: Rehearsal) -> None:
    """Its data is whole"""
    found = rehearsal.operator.get(f"{rehearsal.tenant().path}/verify").expect(200).body
    rehearsal.expect(found["whole"], "no findings", found["findings"])


def unsuspend(rehearsal: Rehearsal) -> None:
    """Lift the suspension"""
    answer = rehearsal.operator.post(f"{rehearsal.tenant().path}/unsuspend", {}).expect(200)
    rehearsal.expect(answer.body["status"] == "active", "the status active", answer.body["status"])


def it_is_in_the_audit_log(rehearsal: Rehearsal) -> None:
    """Both are in the audit log, with who did them"""
    events = rehearsal.operator.get(f"{rehearsal.tenant().path}/events").expect(200).body["results"]
    verbs = [event["verb"] for event in events if event["door"] == "api"]
    wanted = {"organization.suspend", "organization.unsuspend"}
    rehearsal.expect(wanted <= set(verbs), "both verbs by the API", verbs)


def wrong_verbs_are_refused(rehearsal: Rehearsal) -> None:
    """What does not fit the state of an active tenant is refused"""
    path, operator = rehearsal.tenant().path, rehearsal.operator
    operator.post(f"{path}/unsuspend", {}).expect(409, "not_suspended")
    operator.post(f"{path}/restore", {}).expect(409, "not_pending_deletion")
    operator.post(f"{path}/end-retention", {}).expect(409, "not_pending_deletion")
    for days in (0, 3651, "30", True):
        operator.post(f"{path}/soft-delete", {"retention_days": days}).expect(400, "invalid_retention_days")


def one_of_two_wins(rehearsal: Rehearsal) -> None:
    """Of two operators who suspend it at once one wins, and the other is told"""
    together = Barrier(2)

    def one(_: int) -> Answer:
        together.wait()
        return rehearsal.operator.post(f"{rehearsal.tenant().path}/suspend", {})

    with ThreadPoolExecutor(2) as both:
        answers = sorted((answer.status, answer.code) for answer in both.map(one, range(2)))
    rehearsal.expect(answers == [(200, ""), (409, "already_suspended")], "one 200 and one 409", answers)


def wrong_verbs_are_refused_when_pending(rehearsal: Rehearsal) -> None:
    """What does not fit the state of one that is pending deletion is refused"""
    path, operator = rehearsal.tenant().path, rehearsal.operator
    operator.post(f"{path}/soft-delete", {}).expect(200)
    operator.post(f"{path}/soft-delete", {}).expect(409, "already_pending_deletion")
    operator.post(f"{path}/suspend", {}).expect(409, "already_pending_deletion")
    operator.post(f"{path}/unsuspend", {}).expect(409, "not_suspended")


def unknown_ids_are_not_found(rehearsal: Rehearsal) -> None:
    """An unknown id is not found"""
    for verb in ("suspend", "unsuspend", "soft-delete", "restore"):
        rehearsal.operator.post(f"{ORGS}/{NEVER_USED}/{verb}", {}).expect(404, "not_found")


def write_something(rehearsal: Rehearsal) -> None:
    """The tenant has a role of its own"""
    owner = rehearsal.tenant().owner
    owner.post("/api/org/roles", role("drill")).expect(201)
    rehearsal.kept["roles"] = owner.get("/api/org/roles").expect(200).body


def role(name: str) -> dict[str, object]:
    allow = {"action": "read", "resource": "nodes:drill", "effect": "allow", "conditions": {}}
    return {"id": name, "name": f"Drill {name}", "permissions": [allow]}


def delete(rehearsal: Rehearsal) -> None:
    """Soft-delete it while it is suspended"""
    rehearsal.operator.post(f"{rehearsal.tenant().path}/suspend", {}).expect(200)
    answer = rehearsal.operator.post(f"{rehearsal.tenant().path}/soft-delete", {"retention_days": 30})
    rehearsal.expect(answer.expect(200).body["purge_after"], "a day on which it is purged", "none")


def members_are_told_when(rehearsal: Rehearsal) -> None:
    """Its people are refused, and told when it is purged"""
    answer = rehearsal.tenant().owner.get("/api/org").expect(403, "org_pending_deletion")
    rehearsal.expect(answer.body.get("purge_after"), "the purge date in the refusal", answer.body)


def restore(rehearsal: Rehearsal) -> None:
    """Restored, it is suspended as before"""
    answer = rehearsal.operator.post(f"{rehearsal.tenant().path}/restore", {}).expect(200)
    rehearsal.expect(answer.body["status"] == "suspended", "the status suspended", answer.body["status"])
    rehearsal.operator.post(f"{rehearsal.tenant().path}/unsuspend", {}).expect(200)


def nothing_is_lost(rehearsal: Rehearsal) -> None:
    """Its roles are what they were"""
    now = rehearsal.tenant().owner.get("/api/org/roles").expect(200).body
    rehearsal.expect(now == rehearsal.kept["roles"], "the same roles", now)


def retention_is_kept(rehearsal: Rehearsal) -> None:
    """Within its retention the reaper leaves a deleted tenant alone"""
    tenant = rehearsal.tenant()
    rehearsal.operator.post(f"{tenant.path}/soft-delete", {"retention_days": 1}).expect(200)
    reaped = rehearsal.operator.post("/api/admin/reaper", {"ids": [tenant.id]}).expect(200).body["results"]
    rehearsal.expect(reaped == [], "nothing to be reaped", reaped)


def retention_ends(rehearsal: Rehearsal) -> None:
    """End the retention, as only a drill's may be"""
    rehearsal.operator.post(f"{rehearsal.tenant().path}/end-retention", {}).expect(200)
    rehearsal.operator.post(f"{ORGS}/{DEFAULT_ORGANIZATION}/end-retention", {}).expect(409, "not_synthetic")


def the_reaper_purges_it(rehearsal: Rehearsal) -> None:
    """The reaper purges it, and nothing else"""
    tenant = rehearsal.tenant()
    reaped = rehearsal.operator.post("/api/admin/reaper", {"ids": [tenant.id]}).expect(200).body["results"]
    wanted = [{"id": tenant.id, "refusal": "", "detail": ""}]
    rehearsal.expect(reaped == wanted, f"{tenant.id} reaped", reaped)


def a_tombstone_is_left(rehearsal: Rehearsal) -> None:
    """What is left is a tombstone without personal data, whose id stays taken"""
    tenant = rehearsal.tenant()
    left = rehearsal.operator.get(tenant.path).expect(200).body
    seen = (left["status"], left["owner_email"], left["display_name"])
    rehearsal.expect(seen == ("purged", None, ""), "a tombstone", seen)
    again = {"email": rehearsal.email_of(tenant.id), "name": "Drill", "id": tenant.id, "synthetic": True}
    rehearsal.operator.post(ORGS, again).expect(409, "org_id_taken")
    tenant.owner.get("/api/org").expect(401, "invalid_token")


def the_default_organization_refuses(rehearsal: Rehearsal) -> None:
    """The default organization can be neither suspended nor deleted"""
    rehearsal.note("default", DEFAULT_ORGANIZATION)
    for verb in ("suspend", "soft-delete"):
        path = f"{ORGS}/{DEFAULT_ORGANIZATION}/{verb}"
        rehearsal.operator.post(path, {}).expect(400, "default_org_immutable")


def the_default_organization_is_active(rehearsal: Rehearsal) -> None:
    """It is active, and whole"""
    shown = rehearsal.operator.get(f"{ORGS}/{DEFAULT_ORGANIZATION}").expect(200).body
    rehearsal.expect(shown["status"] == "active", "the status active", shown["status"])
    found = rehearsal.operator.get(f"{ORGS}/{DEFAULT_ORGANIZATION}/verify").expect(200).body
    rehearsal.expect(found["whole"], "no findings", found["findings"])

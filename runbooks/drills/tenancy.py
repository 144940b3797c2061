"""Drills of what keeps tenants apart, of what they may do by their subscription, and of their backups."""

from runbooks.drills.caller import Answer
from runbooks.drills.lifecycle import role
from runbooks.drills.rehearsal import ORGS, Rehearsal, Tenant

SECRET = "drill-secret"  # noqa: S105 - the name of a role that only one of the two has
NOBODYS = "drill-nobodys"


def two_tenants(rehearsal: Rehearsal) -> None:
    """Two tenants, one with a role that the other has not"""
    one, other = rehearsal.tenant("a"), rehearsal.tenant("b")
    one.owner.post("/api/org/roles", role(SECRET)).expect(201)
    other.owner.get("/api/org").expect(200)


def neither_enters_the_other(rehearsal: Rehearsal) -> None:
    """Neither's token enters the other, nor learns whether it exists"""
    for mine, theirs in _pairs(rehearsal):
        refused = mine.owner.get("/api/org", x_pulse_org_id=theirs.id).expect(403, "access_denied")
        unknown = mine.owner.get("/api/org", x_pulse_org_id=NOBODYS).expect(403, "access_denied")
        rehearsal.expect(refused.raw == unknown.raw, "the very answer of an unknown one", refused.body)
        for path in ("/api/org/members", "/api/org/roles", "/api/org/users", "/api/org/changes"):
            mine.owner.get(path, x_pulse_org_id=theirs.id).expect(403, "access_denied")


def neither_sees_the_others_people(rehearsal: Rehearsal) -> None:
    """Neither finds the other's people among its own"""
    for mine, theirs in _pairs(rehearsal):
        for path in ("/api/org/members", "/api/org/users", "/api/org/changes"):
            found = mine.owner.get(path).expect(200)
            _without(rehearsal, found, theirs.person)
            rehearsal.expect(mine.person in found.raw.decode(), f"its own person in {path}", found.body)


def neither_sees_the_others_roles(rehearsal: Rehearsal) -> None:
    """The role of the one is none of the other's"""
    one, other = rehearsal.tenant("a"), rehearsal.tenant("b")
    one.owner.get(f"/api/org/roles/{SECRET}").expect(200)
    other.owner.get(f"/api/org/roles/{SECRET}").expect(404)
    _without(rehearsal, other.owner.get("/api/org/roles").expect(200), SECRET)


def neither_changes_the_others_people(rehearsal: Rehearsal) -> None:
    """A role from the one is refused to the other's owner, and takes nothing from them at home"""
    for mine, theirs in _pairs(rehearsal):
        before = theirs.owner.get(f"/api/org/users/{theirs.person}/roles").expect(200).body
        refused = mine.owner.put(f"/api/org/users/{theirs.person}/roles", {"roles": ["viewer"]})
        refused.expect(409, "not_a_member")
        after = theirs.owner.get(f"/api/org/users/{theirs.person}/roles").expect(200).body
        rehearsal.expect(before == after, f"{theirs.id}'s owner with the roles they had", after)


def each_decides_alone(rehearsal: Rehearsal) -> None:
    """Each one's owner may do all at home and nothing in the other"""
    for mine, theirs in _pairs(rehearsal):
        for person, allowed in ((mine.person, True), (theirs.person, False)):
            asked = {"user": person, "action": "write", "resource": "nodes"}
            decided = mine.owner.post("/api/org/check", asked).expect(200).body["allowed"]
            rehearsal.expect(decided is allowed, f"allowed {allowed} in {mine.id}", decided)


def neither_is_an_operator(rehearsal: Rehearsal) -> None:
    """Neither's token opens the operators' API"""
    for mine, theirs in _pairs(rehearsal):
        for path in (ORGS, theirs.path, f"{theirs.path}/export", f"{theirs.path}/events"):
            mine.owner.get(path).expect(403)
        mine.owner.post(f"{theirs.path}/suspend", {}).expect(403)
        theirs.owner.get("/api/org").expect(200)


def _pairs(rehearsal: Rehearsal) -> tuple[tuple[Tenant, Tenant], tuple[Tenant, Tenant]]:
    one, other = rehearsal.tenant("a"), rehearsal.tenant("b")
    return (one, other), (other, one)


def _without(rehearsal: Rehearsal, answer: Answer, word: str) -> None:
    rehearsal.expect(word not in answer.raw.decode(), f"nothing of {word} in {answer.asked}", answer.body)


def billing_as_it_is(rehearsal: Rehearsal) -> None:
    """The tenant is served, and its billing is noted"""
    tenant = rehearsal.tenant()
    tenant.owner.get("/api/org/entitlements").expect(200)
    rehearsal.kept["billing"] = rehearsal.operator.get(f"{tenant.path}/billing-state").expect(200).body


def cancel_by_override(rehearsal: Rehearsal) -> None:
    """Override its subscription: canceled"""
    wanted = {"subscription_state": "canceled", "reason": "a drill"}
    answer = rehearsal.operator.put(f"{rehearsal.tenant().path}/billing-state", wanted).expect(200).body
    rehearsal.expect(answer["subscription_state"] == "canceled", "the state canceled", answer)
    origin = answer["origin"]["subscription_state"]
    rehearsal.expect(origin.startswith("override"), "an override as its origin", origin)


def it_must_pay(rehearsal: Rehearsal) -> None:
    """Its people are refused from the next request on, but may pay"""
    tenant = rehearsal.tenant()
    for _ in range(4):
        tenant.owner.get("/api/org").expect(402, "subscription_required")
    paying = tenant.owner.post("/api/org/billing/checkout", {"plan": "team"})
    rehearsal.expect(paying.code != "subscription_required", "no refusal for want of a subscription", paying)


def take_the_override_back(rehearsal: Rehearsal) -> None:
    """Take the override back"""
    # What asks for nothing leaves no override in the place of the earlier one.
    wanted = {"reason": "the end of a drill"}
    rehearsal.operator.put(f"{rehearsal.tenant().path}/billing-state", wanted).expect(200)


def billing_as_it_was(rehearsal: Rehearsal) -> None:
    """Its billing is what it was, with each part's origin, and it is served again"""
    tenant = rehearsal.tenant()
    now = rehearsal.operator.get(f"{tenant.path}/billing-state").expect(200).body
    rehearsal.expect(now == rehearsal.kept["billing"], "the billing state from before", now)
    tenant.owner.get("/api/org").expect(200)


def back_up(rehearsal: Rehearsal) -> None:
    """Back its database up"""
    tenant = rehearsal.tenant()
    tenant.owner.post("/api/org/roles", role("drill")).expect(201)
    made = rehearsal.operator.post(f"{tenant.path}/rbac/backup", {"reason": "a drill"}).expect(201).body
    rehearsal.kept["backup"] = made["name"]


def lose_something(rehearsal: Rehearsal) -> None:
    """Delete a role, and make another"""
    owner = rehearsal.tenant().owner
    owner.delete("/api/org/roles/drill").expect(204)
    owner.post("/api/org/roles", role("drill-later")).expect(201)


def put_it_back(rehearsal: Rehearsal) -> None:
    """Restore the backup"""
    wanted = {"backup": rehearsal.kept["backup"], "reason": "a drill"}
    rehearsal.operator.post(f"{rehearsal.tenant().path}/rbac/restore", wanted).expect(200)


def it_is_back(rehearsal: Rehearsal) -> None:
    """The lost role is back, the later one is gone, and the database is whole"""
    tenant = rehearsal.tenant()
    tenant.owner.get("/api/org/roles/drill").expect(200)
    tenant.owner.get("/api/org/roles/drill-later").expect(404)
    found = rehearsal.operator.get(f"{tenant.path}/rbac/verify").expect(200).body
    rehearsal.expect(found["whole"], "no findings", found["findings"])

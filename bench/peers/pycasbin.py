"""pycasbin: may this person do the action on the resource, in this tenant? RBAC with domains, in memory.

The model is that of casbin's own documentation, with its built-in roles written once for all tenants, which
spares pycasbin the most work: it looks through every policy line. One enforcer, as the library ships it.
Nothing makes it see what another process has changed.
"""

import sys

import casbin

from bench import measure
from bench.peers import serve
from rbac.built_in import BUILT_IN

MODEL = """
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && (p.obj == "*" || r.obj == p.obj) && (p.act == "admin" || r.act == p.act)
"""


def enforcer_of(tenants: int) -> casbin.Enforcer:
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies(
        [
            (role, resource, action)
            for role, (*_, rules) in BUILT_IN.items()
            for action, resource in rules
        ]
    )  # fmt: skip
    enforcer.add_grouping_policies([(f"person-{n}", "operator", f"tenant-{n}") for n in range(tenants)])
    return enforcer


def main(tenants: int, action: str, resource: str, *sizes: str) -> None:
    enforcer = enforcer_of(tenants)

    def visit(number: int) -> measure.Work:
        person, tenant = f"person-{number}", f"tenant-{number}"

        def enforce() -> None:
            if not enforcer.enforce(person, tenant, resource, action):
                raise AssertionError("refused")

        enforce()
        return enforce

    serve({size: measure.Rotation(visit, int(size)) for size in sizes})


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])

"""The roles that every organization has and nobody can change or delete."""

# id: name, description, priority, rules as (action, resource)
BUILT_IN: dict[str, tuple[str, str, int, list[tuple[str, str]]]] = {
    "admin": ("Admin", "May do everything in this organization.", 100, [("admin", "*")]),
    "operator": (
        "Operator",
        "Reads everything; runs nodes, virtual machines, containers and alerts.",
        50,
        [
            ("read", "*"),
            ("write", "nodes"),
            ("write", "vms"),
            ("write", "containers"),
            ("write", "alerts"),
        ],
    ),
    "auditor": (
        "Auditor",
        "Reads the audit log, nodes, alerts and compliance.",
        20,
        [
            ("read", "audit_logs"),
            ("read", "nodes"),
            ("read", "alerts"),
            ("read", "compliance"),
        ],
    ),
    "viewer": ("Viewer", "Reads everything.", 10, [("read", "*")]),
}

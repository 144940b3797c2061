"""Is a tenant's database whole? Opens, schema, built-in roles, foreign keys, SQLite's own check."""

from pulse.problems import Problem
from rbac import databases, metrics
from rbac.built_in import BUILT_IN


def verify(organization_id: str) -> list[str]:
    """What is wrong with the tenant's database; empty when it is whole."""
    try:
        with databases.using(organization_id) as opened:
            findings = _findings(opened)
    except Problem as problem:
        findings = [f"{problem.code}: {problem.__cause__ or problem.detail}"]
    metrics.integrity_checks.labels(result="failed" if findings else "passed").inc()
    return findings


def _findings(opened: databases.Opened) -> list[str]:
    raw = opened.raw
    findings = [row[0] for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
    findings += [f"broken foreign key in {row[0]}" for row in raw.execute("PRAGMA foreign_key_check")]
    present = {row[0] for row in raw.execute("SELECT id FROM rbac_role WHERE built_in")}
    findings += [f"built-in role {role} is missing" for role in sorted(set(BUILT_IN) - present)]
    return findings

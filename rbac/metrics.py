"""The metrics of rbac."""

from prometheus_client import Counter, Gauge

from pulse.metrics import born

open_databases = Gauge(
    "pulse_rbac_open_databases",
    "Tenant databases that are open, over all threads.",
    multiprocess_mode="livesum",
)
role_mutations = Counter("pulse_rbac_role_mutations_total", "Changes of roles and assignments.", ["action"])
access_denials = Counter("pulse_rbac_access_denials_total", "Checks that were answered with no.")
integrity_checks = Counter(
    "pulse_rbac_integrity_checks_total", "Integrity checks of tenant databases.", ["result"]
)
backups = Counter("pulse_rbac_backups_total", "Backups of tenant databases.", ["result"])
rehearsals = Counter("pulse_rbac_restore_rehearsals_total", "Rehearsed restores.", ["result"])
unusable_databases = Counter(
    "pulse_rbac_unusable_databases_total",
    "Times that a tenant database could not be used.",
    ["code"],
)
isolation_refusals = Counter(
    "pulse_rbac_isolation_refusals_total",
    "Reaches for a tenant's data from outside it: a defect, and none was answered.",
    ["kind"],
)
born(isolation_refusals, kind=["no_organization", "other_organization"])
born(integrity_checks, result=["passed", "failed"])
born(backups, result=["made", "failed"])
born(rehearsals, result=["passed", "failed"])
born(unusable_databases, code=["tenant_database_unavailable", "tenant_busy", "tenant_migrating"])

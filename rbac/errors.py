"""The refusals of rbac, each with its code and HTTP status."""

from pulse.problems import InvalidRequest, NotFound, PermissionRefused, Problem


class TenantDatabaseUnavailable(Problem):
    status = 503
    code = "tenant_database_unavailable"
    detail = "This organization's access database cannot be used. The operator has been told; others go on."


class TenantBusy(Problem):
    status = 503
    code = "tenant_busy"
    detail = "This organization's access database is busy. Try again in a moment."


class TenantMigrating(Problem):
    status = 503
    code = "tenant_migrating"
    detail = "This organization's access database is being upgraded. Try again in a moment."


class RoleNotFound(NotFound):
    detail = "There is no such role."


class UnknownRoles(InvalidRequest):
    code = "unknown_roles"
    detail = "At least one of the roles does not exist; nothing was changed."


class SelfAssignment(PermissionRefused):
    code = "self_assignment"
    detail = "Nobody changes their own roles."


class LastAdmin(Problem):
    status = 409
    code = "last_admin"
    detail = "The organization would be left without an admin."


class AccessRefused(PermissionRefused):
    detail = "Your roles in this organization do not allow this."

"""The refusals of rbac, each with its code and HTTP status."""

from django.db import DatabaseError

from pulse.problems import InvalidRequest, NotFound, PermissionRefused, Problem


class Unusable(Problem, DatabaseError):
    """A tenant's database cannot be used. A `DatabaseError` too, so that Django's transactions roll back."""

    status = 503


class TenantDatabaseUnavailable(Unusable):
    code = "tenant_database_unavailable"
    detail = "This organization's access database cannot be used. The operator has been told; others go on."


class TenantBusy(Unusable):
    code = "tenant_busy"
    detail = "This organization's access database is busy. Try again in a moment."


class TenantMigrating(Unusable):
    code = "tenant_migrating"
    detail = "This organization's access database is being upgraded. Try again in a moment."


class BackupNotFound(NotFound):
    detail = "There is no such backup of this organization."


class BackupFailed(Problem):
    status = 503
    code = "backup_failed"
    detail = "The backup could not be made."


class BackupMismatch(Problem):
    status = 409
    code = "backup_mismatch"
    detail = "The backup cannot be restored here; nothing was changed."


class RestoreFailed(Problem):
    status = 503
    code = "restore_failed"
    detail = "The backup could not be restored; the database is as it was."


class InvalidRecoveryToken(PermissionRefused):
    code = "invalid_recovery_token"
    detail = "The recovery token is unknown, of another organization, expired or used."


class MigrationNotSql(Problem):
    status = 500
    code = "migration_not_sql"
    detail = "Tenants' migrations must be SQL."


class RoleNotFound(NotFound):
    detail = "There is no such role."


class InvalidPrincipal(InvalidRequest):
    code = "invalid_principal"
    detail = "A principal has 1 to 128 characters, none of them a control character."


class InvalidRole(InvalidRequest):
    code = "invalid_role"
    detail = "The role is not well-formed; nothing was changed."


class TooManyRoles(InvalidRequest):
    code = "too_many_roles"
    detail = "An organization has at most 500 roles."


class TooManyPermissions(InvalidRequest):
    code = "too_many_permissions"
    detail = "A role has at most 200 permissions."


class TooManyConditions(InvalidRequest):
    code = "too_many_conditions"
    detail = "A permission has at most 20 conditions."


class UnknownRoles(InvalidRequest):
    code = "unknown_roles"
    detail = "At least one of the roles does not exist; nothing was changed."


class RoleCycle(InvalidRequest):
    code = "role_cycle"
    detail = "A role cannot inherit from itself, directly or through others."


class RoleExists(Problem):
    status = 409
    code = "role_exists"
    detail = "There is a role with this id already."


class RoleBuiltIn(Problem):
    status = 409
    code = "role_built_in"
    detail = "Built-in roles cannot be changed or deleted; copy one instead."


class RoleInUse(Problem):
    status = 409
    code = "role_in_use"
    detail = "The role is assigned, or other roles inherit from it."


class SelfAssignment(PermissionRefused):
    code = "self_assignment"
    detail = "Nobody changes their own roles."


class LastAdmin(Problem):
    status = 409
    code = "last_admin"
    detail = "The organization would be left without an admin."


class AccessRefused(PermissionRefused):
    detail = "Your roles in this organization do not allow this."


class MigrationFailed(Problem):
    status = 409
    code = "migration_failed"
    detail = "The database could not be brought to the current schema."

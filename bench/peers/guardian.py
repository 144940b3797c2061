"""django-guardian: may this person do the action on the resource, in this tenant? `user.has_perm(…, tenant)`.

Each tenant is an object with a group for each of the built-in roles; what a role allows is an object
permission of its group, where Pulse has a rule with a wildcard. Each tenant has a person, who is in its
operators. Caches are as the library and Django ship them: Django's own on the user object is warm, guardian
has none over two calls of `has_perm`. Its answers are never stale, as Pulse's are not.
"""

import os
import sys
from itertools import product

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.guardian_settings"
django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from bench import measure  # noqa: E402
from bench.peers import serve  # noqa: E402
from bench.peers.guarded.models import ACTIONS, RESOURCES, Organization  # noqa: E402
from rbac.built_in import BUILT_IN  # noqa: E402

NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "


def permissions_of(rules: list[tuple[str, str]]) -> set[str]:
    """Code names: `admin` stands for every action and `*` for every resource."""
    found: set[str] = set()
    for action, resource in rules:
        actions = ACTIONS if action == "admin" else (action,)
        resources = RESOURCES if resource == "*" else (resource,)
        found |= {f"{one}_{other}" for one, other in product(actions, resources)}
    return found


def fill(tenants: int) -> None:
    """Each tenant with its groups, what they allow, and its person among the operators."""
    kind = ContentType.objects.get_for_model(Organization).pk
    names = dict(Permission.objects.filter(content_type=kind).values_list("codename", "pk"))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute(NUMBERS + "INSERT INTO guarded_organization (id) SELECT n FROM numbers", [tenants])
        cursor.execute(
            NUMBERS + "INSERT INTO auth_user (id, username, password, first_name, last_name, email,"
            " is_active, is_staff, is_superuser, date_joined)"
            " SELECT n, 'person-' || n, '', '', '', '', 1, 0, 0, '2026-01-01' FROM numbers",
            [tenants],
        )
        for place, (role, (*_, rules)) in enumerate(BUILT_IN.items()):
            cursor.execute(
                NUMBERS + "INSERT INTO auth_group (id, name) SELECT n * 4 + %s, n || %s FROM numbers",
                [tenants, place, role],
            )
            for name in sorted(permissions_of(rules)):
                cursor.execute(
                    NUMBERS + "INSERT INTO guardian_groupobjectpermission"
                    " (object_pk, content_type_id, group_id, permission_id)"
                    " SELECT n, %s, n * 4 + %s, %s FROM numbers",
                    [tenants, kind, place, names[name]],
                )
            if role == "operator":
                cursor.execute(
                    NUMBERS + "INSERT INTO auth_user_groups (user_id, group_id)"
                    " SELECT n, n * 4 + %s FROM numbers",
                    [tenants, place],
                )
        cursor.execute("ANALYZE")


def main(tenants: int, action: str, resource: str, *sizes: str) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    fill(tenants)

    def visit(number: int) -> measure.Work:
        user = User.objects.get(pk=number + 1)
        tenant = Organization(pk=number + 1)

        def has_perm() -> None:
            if not user.has_perm(f"guarded.{action}_{resource}", tenant):
                raise AssertionError("refused")

        has_perm()
        return has_perm

    serve({size: measure.Rotation(visit, int(size)) for size in sizes})


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])

"""The router: rbac's tables in the current organization's file alone, everything else away from it."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections, router
from django.db.models import Model

from rbac import databases
from rbac.models import Assignment, Permission, Principal, Role
from rbac.router import OtherOrganization
from tenants import context
from tenants.models import Organization
from tests.factories import make_organization, owner_of

pytestmark = pytest.mark.usefixtures("database")


def read_role(organization_id: str, role_id: str = "viewer") -> Role:
    with context.organization(organization_id):
        return Role.objects.get(id=role_id)


WITHOUT_ORGANIZATION = {
    "read": lambda role: Role.objects.get(id="viewer"),
    "count": lambda role: Role.objects.count(),
    "create": lambda role: Principal.objects.create(id="x"),
    "bulk_create": lambda role: Principal.objects.bulk_create([Principal(id="x")]),
    "update": lambda role: Role.objects.update(name="x"),
    "delete": lambda role: Principal.objects.all().delete(),
    "get_or_create": lambda role: Principal.objects.get_or_create(id="x"),
    "raw query": lambda role: list(Role.objects.raw("SELECT * FROM rbac_role")),
    "related manager": lambda role: list(role.permissions.all()),
    "related create": lambda role: role.permissions.create(action="read", resource="x"),
    "save of an object": lambda role: role.save(),
    "delete of an object": lambda role: role.delete(),
    "refresh of an object": lambda role: role.refresh_from_db(),
    "new object with a relation": lambda role: Permission(role=role),
}


@pytest.mark.parametrize("use", WITHOUT_ORGANIZATION.values(), ids=WITHOUT_ORGANIZATION.keys())
def test_without_an_organization_nothing_of_a_tenant_is_read_or_written(use) -> None:
    make_organization("acme")
    role = read_role("acme")
    with pytest.raises(context.NoOrganization):
        use(role)


@pytest.mark.parametrize("name", ["related manager", "related create", "save of an object",
                                  "delete of an object", "refresh of an object",
                                  "new object with a relation"])  # fmt: skip
def test_an_object_of_another_organization_than_the_current_one_is_refused(name: str) -> None:
    make_organization("acme")
    make_organization("bolt")
    role = read_role("acme")
    with context.organization("bolt"), pytest.raises(OtherOrganization):
        WITHOUT_ORGANIZATION[name](role)


def test_an_object_knows_the_database_that_it_was_read_from() -> None:
    make_organization("acme")
    assert read_role("acme")._state.db == "rbac_acme"


def test_a_relation_between_two_organizations_is_refused() -> None:
    make_organization("acme")
    make_organization("bolt")
    ours, theirs = read_role("acme"), read_role("bolt", "admin")
    with context.organization("acme"), pytest.raises(ValueError, match="prevents this relation"):
        ours.parent = theirs


def test_a_relation_within_one_organization_is_allowed() -> None:
    make_organization("acme")
    with context.organization("acme"):
        assignment = Assignment.objects.select_related("role").get()
        assignment.role = Role.objects.get(id="viewer")
        assignment.save()
        assert Assignment.objects.get().role_id == "viewer"


def test_a_relation_between_a_tenants_table_and_the_control_database_is_refused() -> None:
    make_organization("acme")
    assert not router.allow_relation(read_role("acme"), Organization.objects.get(id="acme"))


def test_relations_between_other_tables_are_left_to_django() -> None:
    make_organization("acme")
    assert router.allow_relation(Organization.objects.get(id="acme"), owner_of("acme"))


def test_the_control_database_serves_all_other_tables_within_an_organization() -> None:
    make_organization("acme")
    with context.organization("acme"):
        assert Organization.objects.get(id="acme")._state.db == "default"


@pytest.mark.parametrize("model", apps.get_models(), ids=lambda model: model._meta.label)
@pytest.mark.parametrize("alias", ["default", "rbac_acme"])
def test_a_table_is_migrated_where_it_belongs_alone(model: type[Model], alias: str) -> None:
    belongs = (model._meta.app_label == "rbac") == (alias == "rbac_acme")
    assert router.allow_migrate_model(alias, model) is belongs


def test_the_control_database_has_no_table_of_a_tenant() -> None:
    assert not [name for name in connection.introspection.table_names() if name.startswith("rbac_")]


def test_a_tenants_file_has_no_table_of_the_control_database() -> None:
    make_organization("acme")
    with databases.using("acme") as opened:
        names = set(opened.connection.introspection.table_names())
    assert names - {"django_migrations"} == {
        model._meta.db_table for model in apps.get_app_config("rbac").get_models()
    }


def test_the_control_database_cannot_answer_for_a_tenants_table() -> None:
    with pytest.raises(DatabaseError):
        Role.objects.using("default").count()


@pytest.mark.parametrize("alias", ["rbac_", "rbac_Acme", "rbac_../x", "rbac_..", "rbac_.", "rbac_a/b",
                                   "rbac_acme\n", "rbac_-a", "acme", "rbac_" + "a" * 64])  # fmt: skip
def test_only_well_formed_ids_name_a_tenants_database(alias: str) -> None:
    with pytest.raises(KeyError):
        connections.settings[alias]
    assert alias not in connections.settings

"""Organizations, people and tokens, made through the same verbs that every door calls."""

from typing import Any

import factory
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group

from pulse.actors import Actor, from_job
from tenants import organizations, provisioning, tokens
from tenants.models import Membership, Organization, User

ALL_SCOPES = ["read", "write", "check"]
SYSTEM = from_job("test")


class UserFactory(factory.django.DjangoModelFactory):
    """A person who belongs nowhere yet."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda number: f"person{number}@example.com")
    name = factory.Faker("name")
    password = "!unusable"


def make_organization(organization_id: str = "acme", **changes: Any) -> Organization:
    """A provisioned organization; its owner is `owner@<id>.example`."""
    wanted = {"email": f"owner@{organization_id}.example", "name": organization_id.title() + " Ltd"}
    return provisioning.provision(
        **(wanted | changes), organization_id=organization_id, actor=SYSTEM
    ).organization


def make_operator(group: str = "admin", *, email: str | None = None) -> User:
    """An operator of one of the shipped groups: support, operator, billing, admin."""
    user = UserFactory(is_staff=True, **({"email": email} if email else {}))
    user.groups.add(Group.objects.get(name=group))
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def operator_token(group: str = "admin", *, scopes: list[str] | None = None) -> str:
    """The text of a new operator's token."""
    _, text = tokens.create_for_operator(make_operator(group), actor=SYSTEM, scopes=scopes or ALL_SCOPES)
    return text


def owner_of(organization_id: str) -> User:
    return Membership.objects.get(organization=organization_id, is_owner=True).user


def member_token(organization_id: str, user: User | None = None, *, scopes: list[str] | None = None) -> str:
    """The text of a token of a member, the owner unless said otherwise."""
    _, text = tokens.create_for_member(
        user or owner_of(organization_id),
        organizations.living(organization_id),
        actor=SYSTEM,
        scopes=scopes or ALL_SCOPES,
    )
    return text


def make_member(organization_id: str, *, roles: list[str] = ()) -> User:
    """A person who belongs to the organization, with these roles in it."""
    from rbac import assignments
    from tenants import context

    user = UserFactory()
    Membership.objects.create(user=user, organization_id=organization_id)
    if roles:
        with context.organization(organization_id):
            assignments.assign(str(user.public_id), roles=roles, actor=SYSTEM)
    return user


def acting(user: User, *, door: str = "api") -> Actor:
    """The user as a verb's actor."""
    from pulse.actors import from_user

    return from_user(user, door=door)

"""What an organization's administrator decides about single sign-on.

Whoever names the provider says who anybody in the organization is, and so must be able to do all that it
gives: write members, roles and settings.
"""

from collections.abc import Callable, Collection

from django.db.models import QuerySet
from django.urls import reverse

from pulse import sealing
from pulse.actors import Actor
from pulse.text import is_one_line
from tenants import errors as tenant_errors
from tenants import members, roles
from tenants.accounts import letters
from tenants.models import Membership, Organization, User
from tenants.sso import domains, errors
from tenants.sso.models import LONGEST_CLAIM, SsoConnection, SsoGroup, SsoIdentity
from tenants.sso.network import check_address

SHORTEST_SESSION, LONGEST_SESSION = 5, 30 * 24 * 60
MOST_GROUPS = 200
LONGEST_SECRET = 1024
NEEDED = ("settings", "members", "roles")


def connection_of(organization_id: str) -> SsoConnection:
    """Raises `NoConnection`."""
    found = SsoConnection.objects.filter(organization=organization_id).select_related("organization").first()
    if found is None:
        raise errors.NoConnection
    return found


def missing(organization_id: str) -> list[str]:
    """What a sign-in takes and is not there yet: `connection`, `domain`, `groups`, `emergency_owner`."""
    there = {
        "connection": SsoConnection.objects.filter(organization=organization_id).exists(),
        "domain": bool(domains.verified(organization_id)),
        "groups": SsoGroup.objects.filter(connection__organization=organization_id).exists(),
        "emergency_owner": emergency_owner(organization_id) is not None,
    }
    return [name for name, is_there in there.items() if not is_there]


def emergency_owner(organization_id: str) -> User | None:
    """Who gets in by password whatever the provider does."""
    named = Membership.objects.filter(organization=organization_id, is_emergency_owner=True)
    found = named.select_related("user").first()
    return found.user if found else None


def groups_of(organization_id: str) -> list[tuple[str, str]]:
    """Pairs of the provider's group and a role's id, sorted."""
    found = SsoGroup.objects.filter(connection__organization=organization_id)
    return list(found.values_list("group", "role"))


def vouched_for(organization_id: str) -> QuerySet[Membership]:
    """The members whom the provider has ever let in, by who lasts longest."""
    found = Membership.objects.filter(organization=organization_id, vouched_until__isnull=False)
    return found.select_related("user").order_by("-vouched_until", "pk")


def callback_address(organization_id: str) -> str:
    """Where the provider is to send people back to."""
    return letters.address_of(reverse("sso_callback", args=(organization_id,)))


def configure(
    organization_id: str,
    *,
    issuer: str,
    client_id: str,
    client_secret: str = "",
    groups_claim: str = "groups",
    session_minutes: int = 480,
    actor: Actor,
) -> SsoConnection:
    """Name the provider; an empty secret keeps the one that is there, for the same issuer alone.

    With another issuer or client nobody is known any more: people are found anew by their e-mail addresses.
    Raises `InvalidConnection`, `SecretNeeded`.
    """
    actor.require_recent()
    _check(issuer, client_id, client_secret, groups_claim, session_minutes)
    with members.changing(organization_id) as organization:
        _require(actor)
        connection = SsoConnection.objects.filter(organization=organization).first()
        before = _described(connection)
        connection = connection or SsoConnection(organization=organization)
        if not client_secret and connection.issuer != issuer:
            raise errors.SecretNeeded(errors={"client_secret": ["A secret is needed."]})
        is_another = (connection.issuer, connection.client_id) != (issuer, client_id)
        connection.issuer, connection.client_id = issuer, client_id
        connection.groups_claim, connection.session_minutes = groups_claim, session_minutes
        if client_secret:
            connection.sealed_secret = sealing.seal(client_secret)
        connection.save()
        if is_another:
            SsoIdentity.objects.filter(connection=connection).delete()
        after = _described(connection) | ({"secret": "changed"} if client_secret else {})
        _note("sso.configure", organization, actor, before, after)
    return connection


def map_groups(
    organization_id: str, *, pairs: Collection[tuple[str, str]], actor: Actor
) -> list[tuple[str, str]]:
    """Let the provider's groups have exactly these roles, from each person's next sign-in on.

    Raises `InvalidGroups`, and rbac's `UnknownRoles`.
    """
    return _map(organization_id, actor, lambda _: set(pairs))


def add_group(organization_id: str, *, group: str, role: str, actor: Actor) -> list[tuple[str, str]]:
    """Let the group have the role beside all others; raises as `map_groups`."""
    return _map(organization_id, actor, lambda present: present | {(group, role)})


def take_group(organization_id: str, *, group: str, role: str, actor: Actor) -> list[tuple[str, str]]:
    """Let the group have the role no more; raises as `map_groups`."""
    return _map(organization_id, actor, lambda present: present - {(group, role)})


def _map(
    organization_id: str, actor: Actor, change: Callable[[set[tuple[str, str]]], set[tuple[str, str]]]
) -> list[tuple[str, str]]:
    actor.require_recent()
    with members.changing(organization_id) as organization:
        _require(actor)
        connection = connection_of(organization_id)
        before = groups_of(organization_id)
        wanted = sorted(change(set(before)))
        if len(wanted) > MOST_GROUPS or not all(_is_claim(group) and role for group, role in wanted):
            raise errors.InvalidGroups
        roles.book().check({role for _, role in wanted})
        connection.groups.all().delete()
        SsoGroup.objects.bulk_create(
            SsoGroup(connection=connection, group=group, role=role) for group, role in wanted
        )
        _note("sso.map_groups", organization, actor, {"groups": before}, {"groups": wanted})
    return wanted


def name_emergency_owner(organization_id: str, user: User, *, actor: Actor) -> Membership:
    """Let this owner in by password whatever the provider does; it takes an owner to say so.

    Raises `NotAMember`, `OwnersOnly`, `EmergencyOwner` for one who is no owner and admin with a password.
    """
    actor.require_recent()
    with members.changing(organization_id) as organization:
        members.require_owner(organization, actor)
        membership = organization.memberships.select_related("user").filter(user=user).first()
        if membership is None:
            raise tenant_errors.NotAMember
        connection_of(organization_id)
        is_admin = "admin" in roles.book().of(str(user.public_id))
        if not (membership.is_owner and is_admin and membership.user.has_usable_password()):
            raise errors.EmergencyOwner
        organization.memberships.filter(is_emergency_owner=True).update(is_emergency_owner=False)
        membership.is_emergency_owner, membership.vouched_until = True, None
        membership.save(update_fields=("is_emergency_owner", "vouched_until"))
        _note("sso.emergency_owner", organization, actor, None, {"user": str(user.public_id)})
    return membership


def enable(organization_id: str, *, actor: Actor) -> SsoConnection:
    """Let people sign in by the provider. Raises `NoConnection`, `NotReady`."""
    actor.require_recent()
    with members.changing(organization_id) as organization:
        _require(actor)
        connection = connection_of(organization_id)
        if missing(organization_id):
            raise errors.NotReady
        _set_enabled(connection, organization, actor, to=True)
    return connection


def disable(organization_id: str, *, actor: Actor) -> SsoConnection:
    """Let nobody in by the provider, and passwords again.

    Whom it has vouched for stays in until that lapses; `release` lets them in by password.
    """
    actor.require_recent()
    with members.changing(organization_id) as organization:
        _require(actor)
        connection = connection_of(organization_id)
        _set_sso_only(organization, actor, to=False)
        _set_enabled(connection, organization, actor, to=False)
    return connection


def require_sso(organization_id: str, *, actor: Actor) -> None:
    """Refuse, from the next request on, whoever has not come by the provider. Raises `NotEnabled`.

    The owner for emergencies gets in by password. Raises `NoConnection`.
    """
    actor.require_recent()
    with members.changing(organization_id) as organization:
        _require(actor)
        if not connection_of(organization_id).enabled:
            raise errors.NotEnabled
        _set_sso_only(organization, actor, to=True)


def allow_passwords(organization_id: str, *, actor: Actor) -> None:
    """Let members in by password, too, but those whom the provider vouches for or has ceased to."""
    actor.require_recent()
    with members.changing(organization_id) as organization:
        _require(actor)
        _set_sso_only(organization, actor, to=False)


def remove(organization_id: str, *, actor: Actor) -> None:
    """Forget the provider with its secret, its groups and who is who there. Raises `NoConnection`."""
    actor.require_recent()
    with members.changing(organization_id) as organization:
        _require(actor)
        connection = connection_of(organization_id)
        _set_sso_only(organization, actor, to=False)
        organization.memberships.filter(is_emergency_owner=True).update(is_emergency_owner=False)
        _note("sso.remove", organization, actor, _described(connection), None)
        connection.delete()


def release(organization_id: str, user: User, *, actor: Actor) -> Membership:
    """Let the member in by password again, whatever the provider has said. Raises `NotAMember`."""
    actor.require_recent()
    with members.changing(organization_id) as organization:
        _require(actor)
        membership = organization.memberships.filter(user=user).first()
        if membership is None:
            raise tenant_errors.NotAMember
        membership.vouched_until = None
        membership.save(update_fields=("vouched_until",))
        SsoIdentity.objects.filter(connection__organization=organization, user=user).delete()
        _note("sso.release", organization, actor, None, {"user": str(user.public_id)})
    return membership


def _check(issuer: str, client_id: str, secret: str, groups_claim: str, minutes: int) -> None:
    """A trailing slash is part of an issuer; a query or a fragment never is."""
    if "?" in issuer or "#" in issuer or len(issuer) > 500:
        raise errors.InvalidConnection
    try:
        check_address(issuer)
    except errors.AddressRefused as refused:
        raise errors.InvalidConnection(errors={"issuer": [refused.detail]}) from None
    named = all(text.strip() and is_one_line(text) for text in (client_id, groups_claim))
    fits = len(client_id) <= 255 and len(groups_claim) <= 64 and len(secret) <= LONGEST_SECRET
    if not named or not fits or not SHORTEST_SESSION <= minutes <= LONGEST_SESSION:
        raise errors.InvalidConnection


def _require(actor: Actor) -> None:
    for resource in NEEDED:
        members.require(actor, "write", resource)


def _set_enabled(connection: SsoConnection, organization: Organization, actor: Actor, *, to: bool) -> None:
    if connection.enabled == to:
        return
    connection.enabled = to
    connection.save(update_fields=("enabled",))
    _note("sso.enable" if to else "sso.disable", organization, actor, None, None)


def _set_sso_only(organization: Organization, actor: Actor, *, to: bool) -> None:
    if organization.sso_only == to:
        return
    organization.sso_only = to
    organization.save(update_fields=("sso_only",))
    _note("sso.only", organization, actor, {"sso_only": not to}, {"sso_only": to})


def _described(connection: SsoConnection | None) -> dict[str, object]:
    if connection is None:
        return {}
    names = ("issuer", "client_id", "groups_claim", "session_minutes", "enabled")
    return {name: getattr(connection, name) for name in names}


def _is_claim(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_CLAIM and is_one_line(text)


def _note(verb: str, organization: Organization, actor: Actor, before: object, after: object) -> None:
    roles.book().note(verb, subject=organization.id, actor=actor, before=before, after=after)

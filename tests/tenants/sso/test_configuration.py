"""What an organization's administrator may decide about its sign-in, and what holds them back."""

import zipfile

import pytest

from pulse.problems import PermissionRefused
from tenants import exports, lifecycle, members
from tenants.models import DomainClaim, SsoConnection, SsoGroup, SsoIdentity
from tenants.sso import configuration, errors
from tests.api import code
from tests.factories import SYSTEM, acting, make_member, member_token, owner_of
from tests.rbac.callers import make_role
from tests.rbac.callers import owner as owner_caller
from tests.tenants.accounts.people import PASSWORD
from tests.tenants.states import STEPS

pytestmark = pytest.mark.usefixtures("database")

ISSUER = "https://idp.example/realms/acme"


@pytest.fixture
def acme(connect):
    return connect("acme", issuer=ISSUER)


def configure(actor, **more):
    wanted = {"issuer": ISSUER, "client_id": "pulse", "client_secret": "secret"} | more
    return configuration.configure("acme", actor=actor, **wanted)


@pytest.mark.parametrize("missing", ["a domain", "a group", "an owner for emergencies"])
def test_nobody_is_let_in_before_all_is_there(acme, missing) -> None:
    actor = acting(owner_of("acme"))
    configuration.disable("acme", actor=actor)
    if missing == "a domain":
        DomainClaim.objects.update(verified_at=None)
    if missing == "a group":
        configuration.map_groups("acme", pairs=[], actor=actor)
    if missing == "an owner for emergencies":
        acme.memberships.update(is_emergency_owner=False)
    with pytest.raises(errors.NotReady):
        configuration.enable("acme", actor=actor)


def test_whoever_names_the_provider_may_do_all_that_it_gives(acme) -> None:
    make_role("settler", ("write", "settings"), ("write", "members"))
    settler = acting(make_member("acme", roles=["settler"]))
    with pytest.raises(PermissionRefused):
        configure(settler)
    with pytest.raises(PermissionRefused):
        configuration.map_groups("acme", pairs=[("all", "admin")], actor=settler)


def test_an_admin_who_owns_nothing_names_no_owner_for_emergencies(acme) -> None:
    admin = make_member("acme", roles=["admin"])
    with pytest.raises(members.errors.OwnersOnly):
        configuration.name_emergency_owner("acme", admin, actor=acting(admin))
    with pytest.raises(errors.EmergencyOwner):
        configuration.name_emergency_owner("acme", admin, actor=acting(owner_of("acme")))


def test_the_owner_for_emergencies_stays_until_another_is_named(acme) -> None:
    owner = owner_of("acme")
    second = make_member("acme", roles=["admin"])
    second.set_password(PASSWORD)
    second.save()
    members.add_owner("acme", second, actor=acting(owner))
    with pytest.raises(errors.EmergencyOwner):
        members.leave("acme", actor=acting(owner))
    with pytest.raises(errors.EmergencyOwner):
        members.transfer_ownership("acme", to=second, actor=acting(owner))
    configuration.name_emergency_owner("acme", second, actor=acting(owner))
    members.leave("acme", actor=acting(owner))


def test_another_issuer_knows_nobody(acme) -> None:
    connection = configuration.connection_of("acme")
    SsoIdentity.objects.create(connection=connection, user=make_member("acme"), subject="ann")
    configure(acting(owner_of("acme")), session_minutes=60)
    assert SsoIdentity.objects.count() == 1
    configure(acting(owner_of("acme")), issuer="https://other.example", client_secret="other")
    assert not SsoIdentity.objects.exists()


@pytest.mark.parametrize(
    "change",
    [{"session_minutes": 4}, {"client_id": " "}, {"groups_claim": "a\nb"}, {"issuer": ISSUER + "?a=b"}],
)
def test_a_connection_that_is_not_well_formed_is_refused(acme, change) -> None:
    with pytest.raises(errors.InvalidConnection):
        configure(acting(owner_of("acme")), **change)


def test_changes_are_in_the_organizations_changelog_without_the_secret(acme) -> None:
    changes = owner_caller().get("/api/org/changes").json()["results"]
    assert {"sso.configure", "sso.map_groups", "sso.emergency_owner", "sso.enable"} <= {
        change["verb"] for change in changes
    }
    assert "secret that" not in str(changes)


def test_disabling_it_lets_passwords_in_again(acme) -> None:
    actor = acting(owner_of("acme"))
    member = make_member("acme", roles=["viewer"])
    token = member_token("acme", member)
    configuration.require_sso("acme", actor=actor)
    caller = owner_caller()
    caller.token = token
    assert code(caller.get("/api/org")) == (401, "sso_required")
    configuration.disable("acme", actor=actor)
    assert caller.get("/api/org").status_code == 200


def test_an_export_has_it_without_the_secret_and_a_purge_leaves_nothing(acme, tmp_path) -> None:
    with (tmp_path / "acme.zip").open("wb") as archive:
        exports.export("acme", actor=SYSTEM, archive=archive)
    with zipfile.ZipFile(tmp_path / "acme.zip") as packed:
        exported = packed.read("sso_connection.jsonl").decode()
        assert "engineers" in packed.read("sso_groups.jsonl").decode()
    assert ISSUER in exported
    assert "sealed" not in exported
    for step in STEPS["purged"]:
        step("acme")
    assert lifecycle.Organization.objects.get(id="acme").status == "purged"
    for model in (SsoConnection, SsoGroup, SsoIdentity, DomainClaim):
        assert not model.objects.exists()

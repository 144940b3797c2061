"""All drills, as data."""

from pulse.offers import Offer
from runbooks import errors
from runbooks.drills import disasters, gates, lifecycle, probes, services, tenancy
from runbooks.drills.declaration import Drill

OWN_TENANTS = "Synthetic organizations of its own, on the running server. Nobody else notices."
OWN_SERVER = "A server and an installation of its own on loopback. The running one is only asked how it is."

DRILLS = (
    Drill(
        name="lifecycle-round-trip",
        title="Suspend and unsuspend",
        purpose="A suspension holds from the next request on, loses nothing, and can be lifted.",
        blast_radius=OWN_TENANTS,
        probes=probes.STEADY,
        steps=(
            lifecycle.members_are_let_in,
            lifecycle.suspend,
            lifecycle.members_are_refused,
            lifecycle.it_is_whole,
            lifecycle.unsuspend,
            lifecycle.members_are_let_in,
            lifecycle.it_is_in_the_audit_log,
        ),
    ),
    Drill(
        name="lifecycle-conflicts",
        title="Conflicting transitions",
        purpose="What does not fit an organization's state is refused, also when two ask at once.",
        blast_radius=OWN_TENANTS,
        probes=probes.STEADY,
        steps=(
            lifecycle.wrong_verbs_are_refused,
            lifecycle.one_of_two_wins,
            lifecycle.wrong_verbs_are_refused_when_pending,
            lifecycle.unknown_ids_are_not_found,
        ),
    ),
    Drill(
        name="deletion-and-restore",
        title="Soft-delete and restore",
        purpose="A deletion can be called off within its retention, and nothing is lost by it.",
        blast_radius=OWN_TENANTS,
        probes=probes.STEADY,
        steps=(
            lifecycle.write_something,
            lifecycle.delete,
            lifecycle.members_are_told_when,
            lifecycle.restore,
            lifecycle.members_are_let_in,
            lifecycle.nothing_is_lost,
            lifecycle.it_is_whole,
        ),
    ),
    Drill(
        name="retention-to-purge",
        title="From retention to purge",
        purpose="The reaper purges after the retention and not before, and leaves a tombstone alone.",
        blast_radius=OWN_TENANTS,
        probes=probes.STEADY,
        steps=(
            lifecycle.members_are_let_in,
            lifecycle.retention_is_kept,
            lifecycle.retention_ends,
            lifecycle.the_reaper_purges_it,
            lifecycle.a_tombstone_is_left,
        ),
    ),
    Drill(
        name="default-organization-guard",
        title="The default organization",
        purpose="The default organization can be neither suspended nor deleted.",
        blast_radius="The default organization, if its guard is broken: until the rollback, seconds later.",
        probes=probes.STEADY,
        steps=(
            lifecycle.the_default_organization_refuses,
            lifecycle.the_default_organization_is_active,
        ),
    ),
    Drill(
        name="gate-closing",
        title="The kill switch",
        purpose="The kill switch takes every hosted route away in every process, and gives it back.",
        blast_radius="Everybody: hosted mode is shut for as long as the routes are asked, a few seconds.",
        probes=probes.STEADY,
        steps=(
            gates.the_routes_answer,
            gates.shut,
            gates.every_route_is_gone,
            gates.health_still_answers,
            gates.reopen,
            gates.the_routes_answer_as_before,
        ),
    ),
    Drill(
        name="billing-override",
        title="A billing override and back",
        purpose="An override holds from the next request on, and what is below it comes back.",
        blast_radius=OWN_TENANTS,
        probes=probes.STEADY,
        steps=(
            tenancy.billing_as_it_is,
            tenancy.cancel_by_override,
            tenancy.it_must_pay,
            tenancy.take_the_override_back,
            tenancy.billing_as_it_was,
        ),
    ),
    Drill(
        name="cross-tenant-isolation",
        title="Isolation of tenants",
        purpose="Of two tenants neither reaches, sees or changes anything of the other's.",
        blast_radius=OWN_TENANTS,
        probes=probes.STEADY,
        steps=(
            tenancy.two_tenants,
            tenancy.neither_enters_the_other,
            tenancy.neither_sees_the_others_people,
            tenancy.neither_sees_the_others_roles,
            tenancy.neither_changes_the_others_people,
            tenancy.each_decides_alone,
            tenancy.neither_is_an_operator,
        ),
    ),
    Drill(
        name="backup-and-restore",
        title="Backup and restore",
        purpose="A tenant's database comes back as it was when it was backed up.",
        blast_radius=OWN_TENANTS,
        probes=probes.STEADY,
        steps=(
            tenancy.back_up,
            tenancy.lose_something,
            tenancy.put_it_back,
            tenancy.it_is_back,
        ),
    ),
    Drill(
        name="provisioning-failure",
        title="A provisioning that fails",
        purpose="Of a tenant that cannot be made nothing is left, and it can be made later.",
        blast_radius=OWN_SERVER,
        probes=probes.ALIVE,
        steps=(
            disasters.an_installation,
            disasters.damage_the_template,
            disasters.provisioning_fails,
            disasters.nothing_of_it_is_left,
            disasters.others_are_served,
            disasters.mend_the_template,
            disasters.provisioning_works,
        ),
    ),
    Drill(
        name="redis-gone",
        title="Redis goes and comes back",
        purpose="Without Redis tenants are served without limits, and sign-up is shut.",
        blast_radius=f"{OWN_SERVER} It counts in the same Redis, through a proxy that is cut.",
        probes=probes.ALIVE,
        needs=services.without_redis,
        steps=(
            services.redis_behind_a_proxy,
            services.limits_are_counted,
            services.take_it_away,
            services.sign_up_is_shut,
            services.tenants_are_served,
            services.give_it_back,
            services.sign_up_is_open_again,
        ),
    ),
    Drill(
        name="postgresql-gone",
        title="PostgreSQL goes and comes back",
        purpose="Without the control database nothing is let pass, and all is well when it is back.",
        blast_radius="A web server of its own, whose way to the database goes through a proxy that is cut.",
        probes=probes.ALIVE,
        needs=services.without_postgresql,
        steps=(
            services.postgresql_behind_a_proxy,
            services.take_it_away,
            services.nobody_gets_past,
            services.give_it_back,
            services.it_recovers_by_itself,
        ),
    ),
    Drill(
        name="worker-dead",
        title="A worker dies",
        purpose="The job that a killed worker had begun is done by another.",
        blast_radius=OWN_SERVER,
        probes=probes.ALIVE,
        steps=(
            disasters.an_installation,
            disasters.a_worker_at_work,
            disasters.kill_the_worker,
            disasters.tenants_do_not_notice,
            disasters.it_is_noticed,
            disasters.another_takes_over,
        ),
    ),
    Drill(
        name="disk-nearly-full",
        title="The disk is full",
        purpose="On a full disk reads go on, writes are refused, and nothing is left half-done.",
        blast_radius=OWN_SERVER,
        probes=probes.ALIVE,
        steps=(
            disasters.an_installation,
            disasters.fill_the_disk,
            disasters.reads_go_on,
            disasters.writes_are_refused,
            disasters.free_the_disk,
            disasters.nothing_is_half_done,
        ),
    ),
    Drill(
        name="corrupt-tenant-database",
        title="A tenant's database is damaged",
        purpose="One damaged database shuts out one tenant, is found, and is restored.",
        blast_radius=OWN_SERVER,
        probes=probes.ALIVE,
        steps=(
            disasters.an_installation,
            disasters.damage_a_database,
            disasters.it_alone_is_refused,
            disasters.it_is_found,
            disasters.restore_it,
        ),
    ),
)
BY_NAME = {drill.name: drill for drill in DRILLS}


def offered() -> list[Offer]:
    """What operators may put on a schedule of their own."""
    return [
        Offer(
            f"drill:{drill.name}",
            f"Drill: {drill.title}",
            "runbooks.drills.tasks.run_drill",
            {"name": drill.name},
        )
        for drill in DRILLS
    ]


def find(name: str) -> Drill:
    """Raises `DrillNotFound`."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise errors.DrillNotFound from None

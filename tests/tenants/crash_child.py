"""A process of Pulse that dies at a named point: `python -m tests.tenants.crash_child POINT WORK ID`."""

import os
import signal
import sys

import django


def main(point: str, work: str, organization_id: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pulse.settings")
    django.setup()
    from pulse import faults
    from tenants import lifecycle, members, provisioning
    from tenants.models import Membership
    from tests.factories import SYSTEM, make_organization

    faults.arm(point, lambda: os.kill(os.getpid(), signal.SIGKILL))
    if work == "undo":
        faults.arm("provision.audited", lambda: 1 / 0)
    if work in ("provision", "undo"):
        make_organization(organization_id)
    elif work == "remove":
        [membership] = Membership.objects.filter(organization=organization_id, is_owner=False)
        members.remove(organization_id, membership.user, actor=SYSTEM)
    elif work == "purge":
        lifecycle.purge(organization_id, actor=SYSTEM)
    else:
        provisioning.reconcile(actor=SYSTEM)


if __name__ == "__main__":
    main(*sys.argv[1:])

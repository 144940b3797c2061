"""Run as a module, it makes the installation of its environment with an operator and a tenant, and prints
their tokens."""

import json
import os
import sys

import django

ORGANIZATION = "drill-apart"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pulse.settings")
    django.setup()
    from django.core.management import call_command

    from pulse import first_run

    call_command("migrate", verbosity=0)
    first_run.prepare(say=lambda words: None)
    sys.stdout.write(json.dumps(inhabited()))


def inhabited() -> dict[str, str]:
    from runbooks.drills.rollback import ACTOR
    from tenants import provisioning, synthetic, tokens
    from tenants.models import User

    email = synthetic.address("owner")
    organization = provisioning.provision(
        email=email, name="Drill", organization_id=ORGANIZATION, is_synthetic=True, actor=ACTOR
    ).organization
    owner = User.objects.get(email=email)
    scopes = list(tokens.SCOPES)
    _, text = tokens.create_for_member(owner, organization, actor=ACTOR, scopes=scopes, expires_days=1)
    return {
        "operator": synthetic.appoint(synthetic.address("operator"), actor=ACTOR),
        "organization": organization.id,
        "person": str(owner.public_id),
        "owner": text,
    }


if __name__ == "__main__":
    main()

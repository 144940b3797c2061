"""Sign-up: anyone may ask for a trial organization, subject to the stage and the tenant cap."""

from django.conf import settings

from pulse.actors import Actor
from tenants import errors, metrics, provisioning


def sign_up(*, email: str, name: str, actor: Actor) -> None:
    """Provision a trial organization; nothing tells a known e-mail from a new one.

    Raises `InvalidEmail`, `InvalidOrganizationName`, `InvitationRequired`, `TenantCapReached`,
    `ProvisioningFailed`.
    """
    email, name = provisioning.checked_email(email), provisioning.checked_name(name)
    if settings.PULSE_STAGE == "private_beta":
        raise errors.InvitationRequired
    # Before the e-mail is looked up: at the cap a known one is refused like any other.
    provisioning.check_cap()
    provisioning.provision(email=email, name=name, actor=actor)
    metrics.signups.inc()

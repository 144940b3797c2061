"""Second factors: what django-allauth asks about them, and who must have one."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings

from pulse import sealing
from tenants.models import User

# Recovery codes stand in for one of these, and are none by themselves.
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class Adapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)

    def _get_site_name(self) -> str:
        return "Pulse"


def is_missing(user: User) -> bool:
    """Whether an operator still has to enrol before they may do anything else."""
    return settings.PULSE_REQUIRE_OPERATOR_MFA and user.is_staff and not is_mfa_enabled(user, FACTORS)

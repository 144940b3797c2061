"""What Pulse's own requests to its web server say of the host that they ask."""

from django.conf import settings
from django.http.request import validate_host


def host_for(netloc: str) -> str:
    """A `Host` that the server accepts: its own address, or else the first of the names it is reached by."""
    host = netloc.rpartition(":")[0] if ":" in netloc.rpartition("]")[2] else netloc
    allowed = settings.ALLOWED_HOSTS
    if not allowed or validate_host(host.lower(), allowed):
        return netloc
    return str(allowed[0]).lstrip(".")

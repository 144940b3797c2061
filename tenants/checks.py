"""System checks for the settings of tenants."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from tenants.sso import dns_records


@register()
def dns_servers_are_addresses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """tenants.E001: the servers that prove domains can be asked."""
    try:
        for text in settings.PULSE_DNS_SERVERS:
            dns_records.server(text)
    except ValueError as error:
        return [Error(
            f"PULSE_DNS_SERVERS: {error}.",
            hint="List IP addresses, such as 9.9.9.9 or 127.0.0.1:5353, separated by commas.",
            id="tenants.E001",
        )]  # fmt: skip
    return []

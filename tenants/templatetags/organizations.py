"""The organization that a person's account leads to."""

from typing import Any

from django import template

from pulse import hosted_mode
from tenants import choice
from tenants.models import Organization

register = template.Library()


@register.simple_tag(takes_context=True)
def organization_in_use(context: dict[str, Any]) -> Organization | None:
    """None while hosted mode is shut, because its pages are not there then."""
    request = context["request"]
    if not request.user.is_authenticated or not hosted_mode.state().open:
        return None
    membership = choice.in_use(request)
    return membership.organization if membership else None

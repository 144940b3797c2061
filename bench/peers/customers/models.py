"""A tenant of django-tenants, and the domain that it asks for."""

from django_tenants.models import DomainMixin, TenantMixin


class Customer(TenantMixin):
    pass


class Domain(DomainMixin):
    pass

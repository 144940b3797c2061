"""django-tenants' shared app: who has a schema."""

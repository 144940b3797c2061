"""django-tenants' settings as its documentation has them. Every schema gets the tables of Pulse's tenants."""

import os

import environ

SECRET_KEY = "bench"
SHARED_APPS = ["django_tenants", "django.contrib.contenttypes", "bench.peers.customers"]
TENANT_APPS = ["bench.peers.roles"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "customers.Customer"
TENANT_DOMAIN_MODEL = "customers.Domain"
DATABASES = {
    "default": {
        **environ.Env.db_url_config(os.environ["BENCH_TENANTS_URL"]),
        "ENGINE": "django_tenants.postgresql_backend",
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

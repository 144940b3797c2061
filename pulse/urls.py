"""The whole URL table. Every route declares what guards it; an undeclared one fails the suite."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from billing.api import urls as billing_urls
from pulse import health
from pulse.routes import always_on, hosted, operations, renewal, tenant
from runbooks.admin import drill_pages
from runbooks.admin.slos_page import Slos
from runbooks.api import urls as runbooks_urls
from tenants.accounts import urls as accounts_urls
from tenants.api import urls as tenants_urls
from tenants.pages import urls as pages_urls

handler400 = "pulse.problems.bad_request"
handler404 = "pulse.problems.not_found"
handler500 = "pulse.problems.server_error"

urlpatterns = [
    *always_on(
        path("healthz", health.alive, name="healthz"),
        path("readyz", health.ready, name="readyz"),
        path("metrics", health.metrics_page, name="metrics"),
        # Browsers look here where no page has told them of the icon.
        path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}pulse/icon.svg")),
        path("account/", include(accounts_urls.always_on)),
        path("admin/objectives/", admin.site.admin_view(Slos.as_view()), name="objectives"),
        path("admin/drills/", include(drill_pages)),
        path("admin/", admin.site.urls),
        path("api/webhooks/", include((runbooks_urls.webhooks, "alerts"))),
        path("api/schema", SpectacularAPIView.as_view(), name="schema"),
        path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    ),
    *operations(
        path("api/admin/readiness", include((runbooks_urls.readiness, "readiness"))),
        path("api/admin/incidents", include((runbooks_urls.incidents, "incidents"))),
        path("api/admin/freeze", include((runbooks_urls.freeze, "freeze"))),
        path("api/admin/drills", include((runbooks_urls.drills, "drills"))),
    ),
    *hosted(
        path("", include(accounts_urls.hosted)),
        path("api/me/", include((tenants_urls.me, "me"))),
        path("api/public/", include((tenants_urls.public, "public"))),
        path("api/admin/", include((tenants_urls.operator, "operator"))),
        path("api/admin/orgs/<str:organization_id>/rbac/", include("rbac.api.operator_urls")),
        path("api/admin/orgs/<str:organization_id>/", include((billing_urls.operator, "billing"))),
        path("api/webhooks/", include((billing_urls.webhooks, "webhooks"))),
    ),
    *renewal(
        path("api/org/billing/", include((billing_urls.renewal, "renewal"))),
    ),
    *tenant(
        path("organization/", include((pages_urls.tenant, "organization"))),
        path("api/org", include((tenants_urls.tenant, "org"))),
        path("api/org/", include(("rbac.api.urls", "rbac"))),
        path("api/org/", include((billing_urls.tenant, "entitlements"))),
        path("edge/", include((tenants_urls.edge, "edge"))),
    ),
]

"""The two views of the gate's bench: one answer, behind the whole gate and without its steps 3 to 7."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pulse.routes import hosted, tenant
from tenants.api.tenant_views import TenantView


class Guarded(TenantView):
    """A tenant endpoint: organization, lifecycle, subscription, rate limit and permission are checked."""

    resource = "settings"

    def get(self, request: Request) -> Response:
        return Response({"ok": True})


class Bare(APIView):
    """A DRF view with the same middleware and the same token, and nothing else."""

    def get(self, request: Request) -> Response:
        return Response({"ok": True})


urlpatterns = [
    *tenant(path("guarded", Guarded.as_view())),
    *hosted(path("bare", Bare.as_view())),
]

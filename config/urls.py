"""Every address of the product."""

from importlib.util import find_spec

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path

from config import health

# The admin has no sign-in page of its own: one door, with one set of rate limits.
admin.site.login = login_required(admin.site.login)  # type: ignore[method-assign]

ROOMS = ("accounts", "subscribers", "campaigns", "delivery", "reports", "api")

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("admin/", admin.site.urls),
    *(path("", include(f"{room}.urls")) for room in ROOMS if find_spec(f"{room}.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"

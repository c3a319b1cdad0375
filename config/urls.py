"""Every address of the product."""

from importlib.util import find_spec

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from config import health


def _one_door(request: HttpRequest, extra_context: object = None) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Send visitors of the admin to the one sign-in page, the only one with rate limits."""
    if request.user.is_authenticated:
        raise PermissionDenied  # the admin asks only those to sign in who are not staff
    return redirect_to_login(request.GET.get("next", "/admin/"))


admin.site.site_header = admin.site.site_title = _("Warta administration")
admin.site.index_title = _("Everything in this installation")
admin.site.login = _one_door  # type: ignore[method-assign]  # Django's own way in is closed


def _icon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """Show the mark on pages that name no icon, such as those of the Django admin."""
    return redirect(static("brand/mark.svg"), permanent=False)


APPS = ("accounts", "subscribers", "campaigns", "delivery", "reports", "api")

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("admin/", admin.site.urls),
    # Asked for by browsers on pages that name no icon, as those of the Django admin.
    path("favicon.ico", _icon, name="favicon"),
    *(path("", include(f"{app}.urls")) for app in APPS if find_spec(f"{app}.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"

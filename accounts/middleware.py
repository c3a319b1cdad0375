"""What every request knows: the user's language and time zone, and the workspace in use."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from accounts import zones
from accounts.models import Membership, User
from accounts.workspaces import WORKSPACE_KEY

GetResponse = Callable[[HttpRequest], HttpResponse]


class PreferencesMiddleware:
    """Activates the signed-in user's language and time zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        user = request.user
        if isinstance(user, User) or user.is_authenticated:
            language = getattr(user, "language", "")
            # A language cookie set on the page wins for this browser; the account is the default.
            if language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
                translation.activate(language)
                request.LANGUAGE_CODE = language
            zones.activate(user)  # a page of a workspace may know better: `access.member`
        else:
            timezone.deactivate()
        return self.get_response(request)


def _membership(request: HttpRequest) -> Membership | None:
    if not request.user.is_authenticated:
        return None
    memberships = (
        Membership.objects.filter(user=request.user)
        .select_related("workspace")
        .order_by("workspace__name", "id")
    )
    chosen = request.session.get(WORKSPACE_KEY)
    if chosen is not None:
        membership = memberships.filter(workspace_id=chosen).first()
        if membership is not None:
            return membership
    return memberships.first()


class WorkspaceMiddleware:
    """Sets ``request.membership``, lazily: None for visitors and for members of no workspace."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        request.membership = SimpleLazyObject(lambda: _membership(request))  # type: ignore[attr-defined]
        return self.get_response(request)

"""What a request knows: the user's language and time zone, and the workspace of its address."""

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from accounts.models import Membership, User, Workspace
from accounts.workspaces import workspace_urls, workspaces, zones

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


class WorkspaceAddressMiddleware:
    """Takes the workspace's slug out of the path, as a server takes the place where it mounts us.

    ``request.workspace_slug`` is "" where the address names no workspace. Stands before everything
    that looks at ``request.path_info``; asks the database nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        slug, rest = workspace_urls.split(request.path_info)
        request.workspace_slug = slug  # type: ignore[attr-defined]
        if not slug:
            return self.get_response(request)
        if not rest:
            return redirect(f"{request.path}/")
        request.path_info = rest
        with workspace_urls.script_prefix(f"/{slug}/"):
            return self.get_response(request)


class WorkspaceMiddleware:
    """Sets ``request.membership``, lazily: None for visitors and for who is no member.

    Of the workspace that the address names; on pages of no workspace, of the one used last, whose
    links surround the page.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        request.membership = SimpleLazyObject(lambda: _membership(request))  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., object], *_: object) -> None:
        """Find nothing where a page that belongs to no workspace is asked for inside one."""
        if request.workspace_slug and not hasattr(view, "permission"):  # type: ignore[attr-defined]
            raise Http404


def _membership(request: HttpRequest) -> Membership | None:
    if not request.user.is_authenticated:
        return None
    slug = request.workspace_slug  # type: ignore[attr-defined]
    if not slug:
        return workspaces.last_used(request)
    named = Workspace.objects.filter(workspaces.with_slug(slug)).values("pk")
    return (
        Membership.objects.filter(user=request.user, workspace__in=named)
        .select_related("workspace")
        .first()
    )

"""Who may open a page: a member of the workspace in its address, with the permission it needs.

An address without a workspace (from before they were in it, or typed) leads to the one used last,
and only by GET: what is saved is never saved into a workspace that was guessed.

Every view of the dashboard starts from ``request.workspace`` and never from a bare id, so a row of
another workspace is simply not found.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from accounts.models import Membership, User, Workspace
from accounts.roles import Permission, may
from accounts.workspaces import workspaces, zones
from accounts.workspaces.workspace_urls import outside

View = Callable[..., HttpResponseBase]


class MemberRequest(HttpRequest):
    """A request that `member` let through: user, membership and workspace are there."""

    user: User
    membership: Membership
    workspace: Workspace


def takes_files(view: View) -> View:
    """Let members send files here: what is larger than a form is refused everywhere else."""
    return takes_files_up_to("IMPORT_MAX_BYTES")(view)


def takes_files_up_to(setting: str) -> Callable[[View], View]:
    """Let members send files here, of together as many bytes as the setting of this name says."""

    def decorate(view: View) -> View:
        view.takes_files = setting  # type: ignore[attr-defined]  # read before a body is taken in
        return view

    return decorate


def member(permission: Permission = Permission.VIEW) -> Callable[[View], View]:
    """Let only members with this permission in: visitors go to sign in, others get 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            looks = request.method in {"GET", "HEAD"}
            if not request.workspace_slug:
                return _lead_to_workspace(request) if looks else _refuse_to_guess(request)
            if not request.membership:
                raise Http404
            request.workspace = request.membership.workspace
            if looks and request.workspace_slug != request.workspace.slug:
                return redirect(_at(request.workspace, request))
            if not may(request.membership.role, permission):
                raise PermissionDenied
            if looks and not request.htmx:  # what polls in another tab isn't what is used
                workspaces.remember(request, request.workspace)
            zones.activate(request.user, request.workspace)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the URL walk in tests
        return guarded

    return decorate


def _lead_to_workspace(request: Any) -> HttpResponseBase:
    """Answer with the same page in the workspace used last."""
    if not request.membership:
        return redirect(outside("workspace_none"))
    return redirect(_at(request.membership.workspace, request))


def _at(workspace: Workspace, request: HttpRequest) -> str:
    query = request.META.get("QUERY_STRING", "")
    path = quote(request.path_info, safe="/")
    return f"/{workspace.slug}{path}{'?' if query else ''}{query}"


def _refuse_to_guess(request: HttpRequest) -> HttpResponseBase:
    return render(request, "errors/no_workspace.html", status=409)

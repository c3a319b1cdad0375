"""Who may open a page: a member of the workspace in use, with the permission the page needs.

Every view of the dashboard starts from ``request.workspace`` and never from a bare id, so a row of
another workspace is simply not found.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts import zones
from accounts.models import Membership, User, Workspace
from accounts.roles import Permission, may

View = Callable[..., HttpResponseBase]


class MemberRequest(HttpRequest):
    """A request that `member` let through: user, membership and workspace are there."""

    user: User
    membership: Membership
    workspace: Workspace


def takes_files(view: View) -> View:
    """Let members send files here: what is larger than a form is refused everywhere else."""
    view.takes_files = True  # type: ignore[attr-defined]  # read before a body is taken in
    return view


def member(permission: Permission = Permission.VIEW) -> Callable[[View], View]:
    """Let only members with this permission in: visitors go to sign in, others get 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.membership:
                return redirect("workspace_none")
            if not may(request.membership.role, permission):
                raise PermissionDenied
            request.workspace = request.membership.workspace
            zones.activate(request.user, request.workspace)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the URL walk in tests
        return guarded

    return decorate

"""Making and furnishing a workspace."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.forms.settings import NewWorkspaceForm, WorkspaceForm
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.models import Workspace
from accounts.roles import Permission
from accounts.workspaces import workspaces
from accounts.workspaces.workspace_urls import in_workspace, outside


@login_required
def workspace_none(request: Any) -> HttpResponse:
    """Say what to do to somebody who belongs to no workspace."""
    if request.membership:
        return redirect(in_workspace(request.membership.workspace, "home"))
    form = NewWorkspaceForm() if workspaces.may_create(request.user) else None
    return render(request, "accounts/workspace_none.html", {"form": form})


@login_required
@once
def workspace_new(request: Any) -> HttpResponse:
    """Make a workspace and become its owner, if one may."""
    if not workspaces.may_create(request.user):
        raise PermissionDenied
    form = NewWorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        workspace = workspaces.create(form.cleaned_data["name"], owner=request.user)
        messages.success(request, _("%(name)s is ready.") % {"name": workspace.name})
        return redirect(in_workspace(workspace, "home"))
    return render(request, "accounts/workspace_new.html", {"form": form})


@member(Permission.MANAGE)
def settings_workspace(request: MemberRequest) -> HttpResponse:
    """Change the workspace's name, brand and postal address."""
    workspace = request.workspace
    editing = Editing(request, workspace)
    form = editing.attach(WorkspaceForm(request.POST or None, instance=workspace))

    def stored() -> WorkspaceForm:
        return WorkspaceForm(instance=_anew(workspace))

    if request.method == "POST" and form.is_valid() and editing.save(form, form.save, stored):
        messages.success(request, _("Saved."))
        return redirect(in_workspace(_anew(workspace), "settings_workspace"))
    status = 409 if editing.conflict else 200
    return render(request, "accounts/settings_workspace.html", {"form": form}, status=status)


def _anew(workspace: Workspace) -> Workspace:
    return Workspace.objects.get(pk=workspace.pk)


@require_POST
@member(Permission.MANAGE)
def checklist_dismiss(request: MemberRequest) -> HttpResponse:
    """Hide the home page's checklist, or show it again."""
    request.workspace.checklist_dismissed = request.POST.get("show") != "1"
    request.workspace.save(update_fields=["checklist_dismissed"])
    return redirect("home")


def closed_signup(request: HttpRequest) -> HttpResponse:
    """Accounts come by invitation; whoever tries to sign up is told so."""
    messages.info(request, _("Accounts are made by invitation. Ask a workspace's owner for one."))
    return redirect(outside("account_login"))

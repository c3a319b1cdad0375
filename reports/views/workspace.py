"""The end of a workspace: confirmed by its owner, then removed with all it holds."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.access.permissions import MemberRequest, member
from accounts.background import waking
from accounts.roles import Permission
from accounts.workspaces import workspaces
from accounts.workspaces.workspace_urls import outside
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from reports import tasks
from subscribers.models import SubscriberTally

UNDER_WAY = (CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.PAUSED)


@member(Permission.OWN)
def workspace_delete(request: MemberRequest) -> HttpResponse:
    """Ask for the workspace's name, then delete it; not while a campaign is under way."""
    workspace = request.workspace
    under_way = Campaign.objects.filter(workspace=workspace, status__in=UNDER_WAY)
    context = {
        "under_way": list(under_way[:10]),
        "people": SubscriberTally.objects.filter(workspace=workspace)
        .values_list("count", flat=True)
        .first()
        or 0,
        "campaigns": Campaign.objects.filter(workspace=workspace).count(),
        "error": "",
    }
    if request.method == "POST" and not context["under_way"]:
        if request.POST.get("name", "").strip() == workspace.name:
            if workspaces.close(workspace):
                waking.wake(tasks.remove_deleted_workspaces)
            messages.success(request, _("“%(name)s” was deleted.") % {"name": workspace.name})
            return redirect(outside("workspace_none"))
        context["error"] = _("Type the workspace’s name exactly, to be sure.")
    status = 422 if context["error"] else 200
    return render(request, "reports/workspace_delete.html", context, status=status)

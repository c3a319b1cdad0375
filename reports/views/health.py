"""Is everything sending? Processes, sending accounts, and every campaign under way, explained."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access.permissions import MemberRequest, member
from accounts.background import set_aside
from accounts.mails import system_mail
from accounts.roles import Permission
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.health import diagnosis
from delivery.models import SendingAccount

SHOWN = 50  # campaigns
SHOWN_MAILS = 20
MOVING, WAITING = 5, 30  # seconds after which the page renews itself
UNDER_WAY = (CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.SCHEDULED)


@member(Permission.VIEW)
def sending_health(request: MemberRequest) -> HttpResponse:
    """Say in sentences what sends, what doesn't, and why."""
    under_way = Campaign.objects.filter(workspace=request.workspace, status__in=UNDER_WAY)
    campaigns = list(under_way.select_related("paused_by").order_by("-pk")[:SHOWN])
    accounts = SendingAccount.objects.filter(workspace=request.workspace)
    sees_all = request.user.is_staff
    machinery = diagnosis.machinery()
    moves = machinery or any(one.status == CampaignStatus.SENDING for one in campaigns)
    context = {
        "machinery": machinery,
        "pace": MOVING if moves else WAITING,
        "accounts": [(account, diagnosis.of_account(account)) for account in accounts],
        "system_mail": system_mail.of_concern(None if sees_all else request.workspace)[
            :SHOWN_MAILS
        ],
        # What was set aside names no workspace: it is the installation's administrators' to see.
        "set_aside": set_aside.lately()[:SHOWN_MAILS] if sees_all else None,
        "rows": list(zip(campaigns, diagnosis.explain_all(campaigns, machinery), strict=True)),
    }
    template = "reports/_health.html" if request.GET.get("part") else "reports/health.html"
    return render(request, template, context)

"""The search of the top bar: people, campaigns, lists, pages."""

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.access.permissions import MemberRequest, member
from accounts.roles import Permission
from accounts.workspaces.workspace_urls import may_open
from campaigns.models import Campaign
from subscribers.directory import directory
from subscribers.models import MailingList, Segment

FOUND = 8  # of each kind
FOUND_TYPING = 4  # while one still types


def _pages(text: str, role: str) -> list[tuple[str, str]]:
    pages = (
        (_("Home"), "home"),
        (_("Campaigns"), "campaign_list"),
        (_("New campaign"), "campaign_new"),
        (_("Subscribers"), "subscriber_list"),
        (_("Import subscribers"), "import_new"),
        (_("Tags"), "tag_list"),
        (_("Possible duplicates"), "duplicate_list"),
        (_("Hygiene"), "hygiene"),
        (_("Bulk actions"), "bulk_list"),
        (_("Lists"), "list_list"),
        (_("Segments"), "segment_list"),
        (_("Forms"), "form_list"),
        (_("Templates"), "template_list"),
        (_("Reports"), "report_list"),
        (_("Suppression list"), "suppression_list"),
        (_("Sending accounts"), "account_list"),
        (_("Custom fields"), "field_list"),
        (_("Your profile"), "profile"),
    )
    return [
        (label, name)
        for label, name in pages
        if text.casefold() in label.casefold() and may_open(role, name)
    ]


@member(Permission.VIEW)
def search(request: MemberRequest) -> HttpResponse:
    """Show what matches a part of a name, an address or a title."""
    text = request.GET.get("q", "").strip()[:200]
    typing = request.headers.get("HX-Request") == "true"
    most = FOUND_TYPING if typing else FOUND
    context: dict[str, object] = {"text": text, "people": [], "campaigns": [], "lists": []}
    context["segments"] = []
    if text:
        context["people"] = directory.found(request.workspace, text, most=most)
        campaigns = Campaign.objects.filter(workspace=request.workspace)
        context["campaigns"] = campaigns.filter(
            Q(name__icontains=text) | Q(content__subject__icontains=text)
        )[:most]
        lists = MailingList.objects.filter(workspace=request.workspace)
        context["lists"] = lists.filter(name__icontains=text)[:most]
        segments = Segment.objects.filter(workspace=request.workspace)
        context["segments"] = segments.filter(name__icontains=text)[:most]
    context["pages"] = _pages(text, request.membership.role) if text else []
    if typing and not text:
        return HttpResponse()
    return render(request, "reports/_found.html" if typing else "reports/search.html", context)

"""What the steps of the editor share: finding the campaign, who may change it, where one is."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from accounts.access.permissions import MemberRequest
from accounts.access.rows import own
from accounts.input.revisions import Editing
from accounts.roles import Permission, may
from campaigns.audience import sizing
from campaigns.audience.chosen import Audience
from campaigns.audience.rule import Breakdown
from campaigns.checks import preflight
from campaigns.drafts import content
from campaigns.findings import Finding
from campaigns.models import Campaign, Content
from campaigns.states import CampaignStatus

STEPS = ("audience", "content", "tracking", "review")


@dataclass(frozen=True, kw_only=True)
class EditorStep:
    """One step of the editor, as the stepper shows it: ``state`` is done, current or open."""

    name: str
    label: str
    href: str
    state: str


def find(request: MemberRequest, campaign_id: int) -> Campaign:
    """Return a campaign of the workspace in use, else 404."""
    campaign = own(
        request,
        Campaign.objects.select_related("workspace", "content__template", "paused_by"),
        campaign_id,
    )
    if campaign.content is None:  # made by the admin, say
        content.begin(campaign)
    else:
        campaign.content.campaign = campaign  # the same row, without asking for it again
    return campaign


def ensure(request: MemberRequest, permission: Permission) -> None:
    """Let only members with this permission go on."""
    if not allows(request, permission):
        raise PermissionDenied


def allows(request: MemberRequest, permission: Permission) -> bool:
    """Say whether the member has this permission."""
    return may(request.membership.role, permission)


def content_of(campaign: Campaign) -> Content:
    """Return the current content version; `find` sees to it that there is one."""
    assert campaign.content is not None  # noqa: S101 - for the type checker
    return campaign.content


def elsewhere(campaign: Campaign, step: str) -> HttpResponse | None:
    """Lead away from a step that has nothing to show for a campaign of this status."""
    status = CampaignStatus(campaign.status)
    if status == CampaignStatus.DRAFT or (status == CampaignStatus.SCHEDULED and step == "review"):
        return None
    if status == CampaignStatus.PAUSED and step == "content":
        return None
    return redirect(place(campaign), campaign.pk)


def place(campaign: Campaign) -> str:
    """Name the page where a campaign of this status is looked after."""
    match CampaignStatus(campaign.status):
        case CampaignStatus.DRAFT:
            begun = campaign.include_lists.exists() or campaign.include_segments.exists()
            return "campaign_content" if begun else "campaign_audience"
        case CampaignStatus.SCHEDULED:
            return "campaign_review"
        case CampaignStatus.SENDING | CampaignStatus.PAUSED:
            return "campaign_live"
        case _:
            return "campaign_report"


def saved(revision: int | str) -> HttpResponse:
    """Answer an autosave: nothing to show, but the revision and the time on the member's clock."""
    answer = HttpResponse(status=204)
    answer["X-Saved-At"] = time_format(timezone.localtime(), "H:i")
    answer["X-Revision"] = str(revision)
    return answer


def not_saved(request: MemberRequest, form: Any) -> HttpResponse:
    """Answer an autosave that was refused: a partial says why, what was typed stays in the page."""
    status = 409 if form.editing.conflict else 422
    return render(request, "_forms/not_saved.html", {"form": form}, status=status)


def after_save(
    request: MemberRequest, campaign: Campaign, revised: Editing, onwards: str
) -> HttpResponse:
    """Answer after a step of a draft was saved; one that is no draft any more was not changed."""
    campaign.refresh_from_db(fields=["status"])
    is_draft = campaign.status == CampaignStatus.DRAFT
    if request.headers.get("X-Autosave"):
        return saved(revised.number) if is_draft else HttpResponse(status=409)
    if not is_draft:
        messages.error(request, _("The campaign is no draft any more: nothing changed."))
    return redirect(onwards, campaign.pk)


def page(
    request: MemberRequest,
    campaign: Campaign,
    step: str,
    /,
    *,
    audience: Audience | None = None,
    wait: bool = False,
    **extra: Any,
) -> dict[str, Any]:
    """Return what every step's page needs; of many people an estimate, unless it may ``wait``.

    ``audience`` spares queries where it is known already.
    """
    chosen = audience or Audience.of(campaign)
    wait = wait or request.GET.get("exact") == "1"
    division = (sizing.exactly if wait else sizing.quick)(chosen)
    found = preflight.findings(campaign, division, chosen=chosen, is_quick=not wait)
    return {
        "campaign": campaign,
        "step": step,
        "steps": steps(campaign, step, found),
        "may_edit": allows(request, Permission.EDIT),
        "may_send": allows(request, Permission.SEND),
        "here": request.get_full_path(),
        "narrowed": bool(chosen.include_segments),
        **bar(campaign, division, found),
        **extra,
    }


def bar(campaign: Campaign, division: Breakdown, found: list[Finding]) -> dict[str, Any]:
    """Return what the bar at the bottom says: who gets it, who doesn't, what is wrong."""
    return {
        "campaign": campaign,
        "division": division,
        "findings": found,
        "blocking": [finding for finding in found if finding.blocks],
        "warnings": [finding for finding in found if finding.warns],
    }


def steps(campaign: Campaign, current: str, found: list[Finding]) -> list[EditorStep]:
    """Return the four steps; one is done when nothing in it blocks sending."""
    labels = {
        "audience": _("Audience"),
        "content": _("Content"),
        "tracking": _("Tracking"),
        "review": _("Review"),
    }
    blocked = {finding.step for finding in found if finding.blocks}
    position = STEPS.index(current)
    shown = []
    for index, name in enumerate(STEPS):
        done = name not in blocked and name != "review" and (index < position or name == "audience")
        state = "current" if name == current else "done" if done else "open"
        href = reverse(f"campaign_{name}", args=[campaign.pk])
        shown.append(EditorStep(name=name, label=labels[name], href=href, state=state))
    return shown

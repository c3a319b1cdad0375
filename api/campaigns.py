"""Campaigns for programs: how each one stands, sending, pausing, resuming, cancelling."""

from datetime import datetime

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import AwareDatetime

from accounts.background import waking
from accounts.models import Workspace
from accounts.roles import Permission
from api.access import workspace_of
from campaigns import carriers, lifecycle
from campaigns.checks import confirmation, preflight
from campaigns.findings import Finding
from campaigns.models import Campaign
from campaigns.states import OVER, CampaignStatus
from delivery import tasks
from delivery.figures import ledgers, running
from delivery.figures.ledgers import Ledger
from delivery.health import diagnosis
from delivery.states import MessageState
from reports.campaign.engagement import engagement

router = Router(tags=["campaigns"])
PAGE = 100


class CampaignOut(Schema):
    """A campaign's head; ``states`` add up to ``audience``."""

    id: int
    name: str
    status: str
    send_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    audience: int
    states: dict[str, int]


class FindingOut(Schema):
    """One thing in the way: ``code`` names it, ``note`` is the way out."""

    code: str
    text: str
    note: str


class CampaignStatusOut(CampaignOut):
    """A campaign with its reasons, its rate, the sentence that explains it, and what people did.

    ``reasons`` say why messages are skipped, deferred, failed or unknown. ``undecided`` of the
    unknown ones wait for a decision. ``cause`` is ``explanation`` in one word, ``until`` when it
    goes on by itself. ``delivered``: confirmed by receiving servers, where a provider reports that;
    ``bounced``: returned after they were sent. ``revision`` names the email as it is stored (for
    ``If-Match`` of resume).

    ``account`` carries it, or would if it began now ("" for none); ``account_warnings`` say what is
    to be known of that: it reaches nobody because it is the sandbox, or it does not work. Both are
    empty for a campaign that is over. Sentences tell times by the workspace's clock.
    """

    reasons: dict[str, int]
    undecided: int
    messages_per_second: float
    cause: str
    explanation: str
    until: datetime | None
    opened: int
    clicked: int
    unsubscribed: int
    delivered: int
    bounced: int
    complained: int
    revision: str
    account: str
    account_warnings: list[FindingOut]


def _head(campaign: Campaign, ledger: Ledger) -> dict[str, object]:
    return {
        "id": campaign.pk,
        "name": campaign.name,
        "status": campaign.status,
        "send_at": campaign.send_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
        "audience": ledger.audience,
        "states": {state.name.lower(): ledger.count(state) for state in MessageState},
    }


def find(workspace: Workspace, campaign_id: int) -> Campaign:
    """Return a campaign of the workspace, else 404."""
    campaigns = Campaign.objects.filter(workspace=workspace).select_related(
        "paused_by", "content__template"
    )
    return get_object_or_404(campaigns, pk=campaign_id)


def status(campaign: Campaign) -> dict[str, object]:
    """Return a campaign as `CampaignStatusOut` shows it."""
    ledger = ledgers.of(campaign)
    states = ledgers.by_every_state(campaign, ledger)
    speed = running.messages_per_second(campaign)
    found = diagnosis.explain(campaign, ledger=ledger, speed=speed)
    acted = engagement([campaign.pk])[campaign.pk]
    return {
        **_head(campaign, ledger),
        "states": {state.name.lower(): count for state, count in states.items()},
        "reasons": {reason.name.lower(): count for reason, count in ledger.reasons.items()},
        "undecided": ledger.undecided,
        "messages_per_second": speed,
        "cause": found.cause.value,
        "explanation": found.sentence,
        "until": found.until,
        "opened": acted.opens,
        "clicked": acted.clicks,
        "unsubscribed": acted.unsubscribes,
        "delivered": acted.deliveries,
        "bounced": acted.bounces,
        "complained": acted.complaints,
        "revision": confirmation.shown(campaign),
        **_account(campaign),
    }


def _account(campaign: Campaign) -> dict[str, object]:
    if campaign.status in OVER:
        return {"account": "", "account_warnings": []}
    carrier = carriers.of(campaign)
    warnings = [_finding(one) for one in preflight.of_carrier(campaign) if one.warns]
    return {"account": carrier.name if carrier else "", "account_warnings": warnings}


def _finding(found: Finding) -> dict[str, str]:
    return {"code": found.code, "text": found.text, "note": found.note}


@router.get("", response=list[CampaignOut], summary="Newest campaigns")
def list_campaigns(request: HttpRequest, before: int | None = None) -> list[dict[str, object]]:
    """List up to a hundred campaigns, newest first; ``before``: the last id of the page before.

    Messages that a worker holds just now are counted as planned here.
    """
    campaigns = Campaign.objects.filter(workspace=workspace_of(request, Permission.VIEW))
    if before is not None:
        campaigns = campaigns.filter(pk__lt=before)
    found = list(campaigns.order_by("-pk")[:PAGE])
    books = ledgers.of_all(campaign.pk for campaign in found)
    return [_head(campaign, books[campaign.pk]) for campaign in found]


@router.get("/{campaign_id}", response=CampaignStatusOut, summary="How a campaign stands")
def show_campaign(request: HttpRequest, campaign_id: int) -> dict[str, object]:
    """Show one campaign: its states add up to its audience."""
    return status(find(workspace_of(request, Permission.VIEW), campaign_id))


def _confirmed(request: HttpRequest) -> str | None:
    """Return the revision that a program read (``If-Match``), None if it names none."""
    match = request.headers.get("If-Match", "*").strip().removeprefix("W/").strip('"')
    return None if match == "*" else match


class SendIn(Schema):
    """When to send (empty: now), and the ``code`` of each finding to send in spite of.

    ``at`` says how far its clock is from UTC (``2026-10-25T02:30:00+01:00``): without that, an hour
    that clocks show twice could mean two moments, and one that they jump over none.
    """

    at: AwareDatetime | None = None
    force: list[str] = []


class NotReadyOut(Schema):
    """Why a campaign is not sent."""

    detail: str
    findings: list[FindingOut]


@router.post(
    "/{campaign_id}/send",
    response={200: CampaignStatusOut, 409: NotReadyOut, 422: NotReadyOut},
    summary="Send a draft",
)
def send_campaign(
    request: HttpRequest, campaign_id: int, wanted: SendIn
) -> Status[dict[str, object]]:
    """Send a draft now or at a time. 409: it is no draft; 422: what is in the way is listed.

    It goes as it is stored. With ``If-Match: "<revision>"`` it is refused (409) if the email is
    not the one that was read.
    """
    campaign = find(workspace_of(request, Permission.SEND), campaign_id)
    if campaign.status != CampaignStatus.DRAFT:
        sentence = f"A campaign that is {campaign.status} can't be sent."
        return Status(409, {"detail": sentence, "findings": []})
    try:
        won = confirmation.schedule(
            campaign,
            at=wanted.at or timezone.now(),
            confirmed=_confirmed(request),
            force=wanted.force,
        )
    except confirmation.ChangedError as error:
        return Status(409, {"detail": " ".join(error.changes), "findings": []})
    except confirmation.NotReadyError as error:
        said = [_finding(one) for one in error.findings]
        return Status(422, {"detail": "The campaign is not ready.", "findings": said})
    except lifecycle.PastTimeError:
        return Status(422, {"detail": "That time has passed.", "findings": []})
    if not won:
        return Status(409, {"detail": "Somebody else was faster.", "findings": []})
    waking.wake(tasks.start_due_campaigns)
    return Status(200, status(find(campaign.workspace, campaign_id)))


@router.post("/{campaign_id}/{action}", response=CampaignStatusOut, summary="Pause, resume, cancel")
def act_on_campaign(request: HttpRequest, campaign_id: int, action: str) -> dict[str, object]:
    """Pause, resume or cancel a campaign; 409 when its status doesn't allow it.

    Resuming sends the email as it is stored. With ``If-Match: "<revision>"`` it is refused (409)
    if the email is not the one that was read.
    """
    confirmed = _confirmed(request)
    moves = {
        "pause": lambda campaign: lifecycle.pause(campaign, reason="API"),
        "resume": lambda campaign: confirmation.resume(campaign, confirmed=confirmed),
        "cancel": lifecycle.cancel,
    }
    if action not in moves:
        raise HttpError(404, "The actions are pause, resume and cancel.")
    campaign = find(workspace_of(request, Permission.SEND), campaign_id)
    try:
        won = moves[action](campaign)
    except (confirmation.ChangedError, confirmation.NotReadyError) as error:
        raise HttpError(409, str(error)) from error
    if not won:
        raise HttpError(409, f"A campaign that is {campaign.status} can't {action}.")
    waking.wake(tasks.start_due_campaigns)
    return status(find(campaign.workspace, campaign_id))

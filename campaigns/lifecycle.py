"""A campaign's way from draft to sent: each step is one conditional UPDATE that says if it won.

Nothing is sent from here. Scheduling writes the intent; `delivery` finds campaigns that are due,
and whoever wrote the intent may nudge it after the commit.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.input.senders import understood
from accounts.models import User, Workspace
from campaigns.models import Campaign, Content, Template
from campaigns.rendering.stored import surroundings
from campaigns.states import CONFIRMED, OVER, TRANSITIONS, Asks, CampaignStatus, ContentKind

UNDO_WINDOW = timedelta(seconds=10)  # how long "Send now" waits, so that it can be taken back
PAST_TOLERANCE = timedelta(minutes=1)  # a form's time has no seconds


class PastTimeError(ValueError):
    """The time to send at is already over."""


@transaction.atomic
def create(  # noqa: PLR0913 - one campaign's starting values, all optional
    workspace: Workspace,
    *,
    name: str,
    kind: ContentKind = ContentKind.MARKDOWN,
    template: Template | None = None,
    source: str = "",
    subject: str = "",
    by: User | None = None,
) -> Campaign:
    """Start a draft with its first, empty content version and the workspace's usual sender."""
    account = workspace.sending_accounts.first()
    usual = understood(account.default_from if account else "")
    from_name, from_email = usual.name, usual.address
    before = workspace.campaigns.exclude(from_email="").order_by("-id").first()
    if before is not None:
        from_name, from_email = before.from_name, before.from_email
    campaign = Campaign.objects.create(
        workspace=workspace,
        name=name,
        from_name=from_name or workspace.name,
        from_email=from_email,
        reply_to=before.reply_to if before else "",
        created_by=by,
    )
    return _with_content(
        campaign,
        Content(kind=kind, template=template, source=source, subject=subject, created_by=by),
    )


@transaction.atomic
def duplicate(campaign: Campaign, *, by: User | None = None) -> Campaign:
    """Make a draft with the same audience, sender, tracking and latest content."""
    copy = Campaign.objects.create(
        workspace_id=campaign.workspace_id,
        name=_("Copy of %(name)s") % {"name": campaign.name[:180]},
        from_name=campaign.from_name,
        from_email=campaign.from_email,
        reply_to=campaign.reply_to,
        sending_account_id=campaign.sending_account_id,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
        tracking_mode=campaign.tracking_mode,
        created_by=by,
    )
    for chosen in ("include_lists", "exclude_lists", "include_segments", "exclude_segments"):
        getattr(copy, chosen).set(getattr(campaign, chosen).all())
    content = campaign.content or Content()
    return _with_content(
        copy,
        Content(
            kind=content.kind,
            subject=content.subject,
            preheader=content.preheader,
            source=content.source,
            text=content.text,
            template_id=content.template_id,
            created_by=by,
        ),
    )


@transaction.atomic
def schedule(campaign: Campaign, *, at: datetime, expected: int | None = None) -> bool:
    """Say when a draft is to be sent (aware; "now" is a moment that has just come).

    ``expected`` is how many people would get it now, if that was counted and shown to somebody.

    Whether it is ready to be sent is `preflight`'s question, asked before this.

    Raises:
        PastTimeError: ``at`` is more than a minute ago.
    """
    if at < timezone.now() - PAST_TOLERANCE:
        raise PastTimeError
    won = _move(
        campaign, {CampaignStatus.DRAFT}, CampaignStatus.SCHEDULED, send_at=at, expected=expected
    )
    if won:
        _keep_surroundings(campaign)
    return won


@transaction.atomic
def unschedule(campaign: Campaign) -> bool:
    """Take a scheduled campaign back to draft, as long as its sending has not begun."""
    won = _move(
        campaign,
        {CampaignStatus.SCHEDULED},
        CampaignStatus.DRAFT,
        send_at=None,
        asks_since=None,
        asks_because="",
    )
    if won:
        campaign.versions.filter(frozen_at=None).update(frozen_with=None)
    return won


@transaction.atomic
def start(campaign: Campaign) -> bool:
    """Begin the send of a campaign that is due; its content version can't change from here on."""
    now = timezone.now()
    won = _move(
        campaign,
        {CampaignStatus.SCHEDULED},
        CampaignStatus.SENDING,
        extra={"send_at__lte": now},
        started_at=now,
    )
    if won:
        freeze_content(campaign)
    return won


def pause(campaign: Campaign, *, by: User | None = None, reason: str = "") -> bool:
    """Stop a send for now; ``reason`` is shown to people (at most 300 characters)."""
    return _move(
        campaign,
        {CampaignStatus.SENDING},
        CampaignStatus.PAUSED,
        paused_at=timezone.now(),
        paused_by=by,
        pause_reason=reason[:300],
    )


@transaction.atomic
def resume(campaign: Campaign) -> bool:
    """Go on with a paused send, from here on with the content as it stands now."""
    won = _move(
        campaign,
        {CampaignStatus.PAUSED},
        CampaignStatus.SENDING,
        paused_at=None,
        paused_by=None,
        pause_reason="",
    )
    if won:
        freeze_content(campaign)
    return won


def cancel(campaign: Campaign) -> bool:
    """End a scheduled, sending or paused campaign for good; what is not sent will not be."""
    return _move(
        campaign,
        {CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.PAUSED},
        CampaignStatus.CANCELLED,
        finished_at=timezone.now(),
        asks_since=None,
        asks_because="",
    )


def finish(campaign: Campaign, *, only_if: Q | None = None) -> bool:
    """Note that every message of a send has come to its end.

    ``only_if`` is the condition for it, asked by the statement that changes the status.
    """
    return _move(
        campaign,
        {CampaignStatus.SENDING},
        CampaignStatus.SENT,
        only_if=only_if,
        finished_at=timezone.now(),
    )


def reopen(campaign: Campaign) -> bool:
    """Let a finished campaign send again those of its messages that a person decided to repeat."""
    return _move(campaign, {CampaignStatus.SENT}, CampaignStatus.SENDING, finished_at=None)


def ask(because: Asks, *, only: Q | None = None) -> int:
    """Have confirmed campaigns wait for a person's word; returns how many.

    A restored database is the gravest reason; it stands above the others.
    """
    rows = Campaign.objects.filter(only or Q(), status__in=CONFIRMED)
    lesser = Q(asks_since=None)
    if because is Asks.RESTORED:
        lesser |= Q(asks_because__in=[Asks.OVERDUE, Asks.AWAY])
    return rows.filter(lesser).update(asks_since=timezone.now(), asks_because=because)


def settle_question(campaign: Campaign) -> bool:
    """Let a campaign that asked go on; one whose time had come goes now. False: it did not ask."""
    now = timezone.now()
    rows = Campaign.objects.filter(pk=campaign.pk, asks_since__isnull=False)
    rows.filter(status=CampaignStatus.SCHEDULED, send_at__lt=now).update(send_at=now)
    won = rows.update(asks_since=None, asks_because="")
    campaign.refresh_from_db(fields=["send_at", "asks_since", "asks_because"])
    return bool(won)


def is_deletable(campaign: Campaign) -> bool:
    """Say whether nobody can have mail from it: a draft, or cancelled before its send began."""
    return campaign.started_at is None and campaign.status in {
        CampaignStatus.DRAFT,
        CampaignStatus.CANCELLED,
    }


def archive(campaign: Campaign, *, archived: bool) -> bool:
    """Put a campaign that is over away, or take it out again; False: it is not over."""
    return bool(
        Campaign.objects.filter(pk=campaign.pk, status__in=OVER).update(
            archived_at=timezone.now() if archived else None
        )
    )


@transaction.atomic
def delete(campaign: Campaign) -> bool:
    """Delete a campaign from which no mail was ever sent; the others keep their ledger."""
    won = Campaign.objects.filter(
        pk=campaign.pk,
        status__in=[CampaignStatus.DRAFT, CampaignStatus.CANCELLED],
        started_at=None,
    ).update(content=None)  # the current version is protected as long as the campaign names it
    if won:
        Campaign.objects.get(pk=campaign.pk).delete()
    return bool(won)


def freeze_content(campaign: Campaign) -> None:
    """Make the current content version unchangeable: mail is sent with it from now on.

    The template, the brand and the merge tags that it is compiled with are copied into it, unless
    they were when the campaign was scheduled. Call it in the transaction that changes the status.
    """
    _keep_surroundings(campaign)
    Content.objects.filter(
        pk__in=Campaign.objects.filter(pk=campaign.pk).values("content_id"), frozen_at=None
    ).update(frozen_at=timezone.now())


def _keep_surroundings(campaign: Campaign) -> None:
    contents = Content.objects.select_related("template", "campaign__workspace")
    content = contents.filter(
        pk__in=Campaign.objects.filter(pk=campaign.pk).values("content_id"),
        frozen_with__isnull=True,
    ).first()
    if content is not None:
        kept = surroundings(content)
        Content.objects.filter(pk=content.pk, frozen_with__isnull=True).update(frozen_with=kept)


def _with_content(campaign: Campaign, content: Content) -> Campaign:
    content.campaign = campaign
    content.save()
    campaign.content = content
    campaign.save(update_fields=["content"])
    return campaign


def _move(
    campaign: Campaign,
    sources: set[CampaignStatus],
    target: CampaignStatus,
    *,
    extra: dict[str, Any] | None = None,
    only_if: Q | None = None,
    **changes: Any,
) -> bool:
    """Change the status if it still is one of ``sources``; refresh the given object when it did."""
    assert all(target in TRANSITIONS[source] for source in sources)  # noqa: S101 - the table is the law
    rows = Campaign.objects.filter(
        only_if or Q(), pk=campaign.pk, status__in=sources, **(extra or {})
    )
    won = rows.update(status=target, updated_at=timezone.now(), **changes)
    if won:
        campaign.refresh_from_db(fields=["status", "updated_at", "content", *changes])
    return bool(won)

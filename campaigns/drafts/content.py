"""Draft: drafts are saved in place; a version that mail was sent with is never changed.

Every save names the revision it was based on, so that two tabs can't overwrite each other
silently. Editing a paused campaign makes the next version; what was sent keeps its own.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from campaigns.models import Campaign, Content, Template
from campaigns.states import CampaignStatus, ContentKind

EDITABLE = frozenset({CampaignStatus.DRAFT, CampaignStatus.PAUSED})


class NotEditableError(Exception):
    """The campaign is scheduled, being sent or over: its content can't change now."""


class ChangedMeanwhileError(Exception):
    """Somebody (or another tab) saved since this text was loaded; ``content`` is what is stored."""

    def __init__(self, content: Content) -> None:
        super().__init__("changed meanwhile")
        self.content = content


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What the content step of the editor holds of a content version."""

    kind: ContentKind
    subject: str = ""
    preheader: str = ""
    source: str = ""
    text: str = ""
    template: Template | None = None


@dataclass(frozen=True, kw_only=True)
class CampaignSender:
    """Who a campaign's mails come from; ``account`` is a sending account's id or None."""

    from_name: str = ""
    from_email: str = ""
    reply_to: str = ""
    account: int | None = None


def is_editable(campaign: Campaign) -> bool:
    """Say whether the content may change now."""
    return campaign.status in EDITABLE


def revision(content: Content) -> str:
    """Name the stored state of a content version; any save makes another revision."""
    return f"{content.version}-{int(content.updated_at.timestamp() * 1_000_000)}"


def writing(content: Content) -> Draft:
    """Read a stored content version."""
    return Draft(
        kind=ContentKind(content.kind),
        subject=content.subject,
        preheader=content.preheader,
        source=content.source,
        text=content.text,
        template=content.template,
    )


@transaction.atomic
def begin(campaign: Campaign) -> Content:
    """Give a campaign that has no content its first, empty version."""
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.content_id is None:
        last = Content.objects.filter(campaign=campaign).order_by("-version").first()
        locked.content = last or Content.objects.create(campaign=campaign)
        locked.save(update_fields=["content"])
    content = Content.objects.select_related("template").get(pk=locked.content_id or 0)
    campaign.content = content
    return content


@transaction.atomic
def save(
    campaign: Campaign,
    new: Draft,
    *,
    sender: CampaignSender | None = None,
    based_on: str | None = None,
    by: User | None = None,
) -> Content:
    """Store the content step; returns the current version, which may be a new one.

    ``based_on`` is the `revision` the text was loaded from; None overwrites whatever is there.
    Saving what is stored already changes nothing. ``sender`` belongs to the campaign and can be
    changed only while it is a draft; it is ignored later.

    Raises:
        NotEditableError: the campaign is neither a draft nor paused.
        ChangedMeanwhileError: the stored revision is another one.
    """
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if not is_editable(locked) or locked.content_id is None:
        raise NotEditableError
    current = Content.objects.select_related("template").get(pk=locked.content_id)
    if locked.status != CampaignStatus.DRAFT:
        sender = None
    if writing(current) == new and _is_sender(locked, sender):
        return current
    if based_on is not None and based_on != revision(current):
        raise ChangedMeanwhileError(current)
    stored = _store(current, new, by=by)
    changes: dict[str, Any] = {"content": stored, "updated_at": timezone.now()}
    if sender is not None:
        changes |= _sender_columns(sender)
    Campaign.objects.filter(pk=campaign.pk).update(**changes)
    for column, value in changes.items():
        setattr(campaign, column, value)
    return stored


@transaction.atomic
def switch(
    campaign: Campaign, kind: ContentKind, *, source: str, by: User | None = None
) -> Content:
    """Go on writing in another kind, from ``source``; what was written so far stays a version.

    Coming back to a kind brings back what was written in it last (see `last_written`).

    Raises:
        NotEditableError: the campaign is neither a draft nor paused.
    """
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if not is_editable(locked) or locked.content_id is None:
        raise NotEditableError
    current = Content.objects.select_related("template").get(pk=locked.content_id)
    if current.kind == kind:
        return current
    new = _next_version(current, replace(writing(current), kind=kind, source=source), by=by)
    Campaign.objects.filter(pk=campaign.pk).update(content=new, updated_at=timezone.now())
    campaign.refresh_from_db(fields=["content", "updated_at"])
    return new


def last_written(campaign: Campaign, kind: ContentKind) -> Content | None:
    """Return the latest version that was written in this kind."""
    return campaign.versions.filter(kind=kind).order_by("-version").first()


def _columns(new: Draft) -> dict[str, Any]:
    columns = {field: value for field, value in vars(new).items() if field != "template"}
    columns["template_id"] = new.template.pk if new.template else None
    return columns


def _next_version(current: Content, new: Draft, *, by: User | None) -> Content:
    last = Content.objects.filter(campaign_id=current.campaign_id).aggregate(Max("version"))
    return Content.objects.create(
        campaign_id=current.campaign_id,
        version=last["version__max"] + 1,
        created_by=by,
        **_columns(new),
    )


def _store(current: Content, new: Draft, *, by: User | None) -> Content:
    if current.frozen_at is not None:
        return _next_version(current, new, by=by)
    # auto_now would do the same, but only for save(); the condition needs an UPDATE.
    changes = {"updated_at": timezone.now(), **_columns(new)}
    if not Content.objects.filter(pk=current.pk, frozen_at=None).update(**changes):
        current.refresh_from_db()
        return _next_version(current, new, by=by)
    for column, value in changes.items():
        setattr(current, column, value)
    return current


def _sender_columns(sender: CampaignSender) -> dict[str, Any]:
    columns = asdict(sender)
    columns["sending_account_id"] = columns.pop("account")
    return columns


def _is_sender(campaign: Campaign, sender: CampaignSender | None) -> bool:
    return sender is None or all(
        getattr(campaign, column) == value for column, value in _sender_columns(sender).items()
    )

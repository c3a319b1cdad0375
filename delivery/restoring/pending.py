"""What would be sent, and to how many, once sending goes on: what people see before they say go."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists

from accounts.installation import hold
from accounts.models import Installation, SystemMail, Workspace
from campaigns.audience import rule
from campaigns.models import Campaign
from campaigns.states import CONFIRMED, CampaignStatus
from delivery.figures import ledgers
from delivery.models import Dispatch


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A campaign that would be sent: ``left`` people would get it, ``sent`` have it for certain."""

    campaign: Campaign
    left: int
    sent: int

    @property
    def asks(self) -> bool:
        """Whether it waits for an answer of its own."""
        return self.campaign.asks_since is not None


@dataclass(frozen=True, kw_only=True)
class PendingMail:
    """One workspace, or (None) the installation: its campaigns, its kept mails by kind, drafts."""

    workspace: Workspace | None
    campaigns: list[Waiting]
    mails: dict[str, int]
    drafts: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits here."""
        return not self.campaigns and not self.mails

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "workspace": self.workspace.slug if self.workspace else None,
            "campaigns": [
                {
                    "id": row.campaign.pk,
                    "status": row.campaign.status,
                    "asks": row.campaign.asks_because or None,
                    "send_at": row.campaign.send_at.isoformat() if row.campaign.send_at else None,
                    "left": row.left,
                    "sent": row.sent,
                }
                for row in self.campaigns
            ],
            "mails": self.mails,
            "drafts": self.drafts,
        }


def of_workspace(workspace: Workspace) -> PendingMail:
    """Return what waits in one workspace."""
    return _place(workspace, hold.kept())


def of_everybody() -> list[PendingMail]:
    """Return what waits in every workspace where something does, the installation's own first."""
    kept = hold.kept()
    own = {kind: n for (space, kind), n in kept.items() if space is None}
    places = [_place(space, kept) for space in Workspace.objects.order_by("name")]
    found = [place for place in places if not place.is_quiet]
    if own:
        found.insert(0, PendingMail(workspace=None, campaigns=[], mails=_words(own)))
    return found


def state(workspace: Workspace) -> Installation | None:
    """Return the installation's row, with ``asks``: whether this workspace has to answer."""
    campaigns = Campaign.objects.filter(
        workspace=workspace, asks_since__isnull=False, status__in=CONFIRMED
    )
    mails = SystemMail.objects.filter(workspace=workspace, state=SystemMail.State.KEPT)
    return Installation.objects.annotate(asks=Exists(campaigns) | Exists(mails)).first()


def _place(workspace: Workspace, kept: dict[tuple[int | None, str], int]) -> PendingMail:
    campaigns = Campaign.objects.filter(workspace=workspace).select_related("content")
    return PendingMail(
        workspace=workspace,
        campaigns=_waiting(campaigns.filter(status__in=CONFIRMED).order_by("send_at", "pk")),
        mails=_words({kind: n for (space, kind), n in kept.items() if space == workspace.pk}),
        drafts=campaigns.filter(status=CampaignStatus.DRAFT).count(),
    )


def _words(mails: dict[str, int]) -> dict[str, int]:
    return {str(SystemMail.Kind(kind).label): n for kind, n in sorted(mails.items())}


def _waiting(campaigns: Iterable[Campaign]) -> list[Waiting]:
    rows = list(campaigns)
    books = ledgers.of_all(row.pk for row in rows)
    unplanned = set(
        Dispatch.objects.filter(campaign__in=rows, planning_done_at=None).values_list(
            "campaign_id", flat=True
        )
    )
    found = []
    for row in rows:
        book = books[row.pk]
        left = book.to_send + book.deferred
        if row.status == CampaignStatus.SCHEDULED:
            known = row.expected
            left = rule.breakdown(row).will_get if known is None else known
        elif row.pk in unplanned:
            left = max(left, (row.expected or 0) - (book.addressed - left))
        found.append(Waiting(campaign=row, left=left, sent=book.sent))
    return found

"""The home page's figures: a few rows of rollups, never a count over the ledgers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Max
from django.utils import timezone

from accounts.models import Workspace
from accounts.workspaces import zones
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.figures import ledgers
from delivery.models import SendingAccount
from delivery.states import TransportKind
from reports.campaign.engagement import engagement
from reports.models import WorkspaceDay

PERIOD = 30  # days that a KPI looks back; its change is against the period before


@dataclass(frozen=True, kw_only=True)
class Period:
    """Sums over the mail that was sent in one period; rates are 0 to 1, None where none was.

    ``subscribers`` are people who are subscribed to something at the end of it; ``joined`` and
    ``left`` say who became one and who stopped to be. ``bounced`` holds what servers refused at
    once, too. ``opened`` and ``proxy_opened`` are of different mails.
    """

    subscribers: int
    joined: int
    left: int
    sent: int
    delivered: int
    opened: int
    proxy_opened: int
    clicked: int
    unsubscribed: int
    complained: int
    bounced: int

    def rate(self, name: str) -> float | None:
        """Return a figure's share of what was sent (of all that was tried, for what arrived)."""
        base = self.delivered + self.bounced if name in {"delivered", "bounced"} else self.sent
        return getattr(self, name) / base if base else None


def _sum(days: Sequence[WorkspaceDay]) -> Period:
    names = (
        "joined", "left", "sent", "delivered", "opened", "proxy_opened", "clicked", "unsubscribed",
        "complained", "bounced",
    )  # fmt: skip
    sums = {name: sum(getattr(day, name) for day in days) for name in names}
    return Period(subscribers=days[-1].subscribers if days else 0, **sums)


def periods(workspace: Workspace, *, today: date | None = None) -> tuple[Period, Period]:
    """Return the workspace's last 30 days and the 30 before them."""
    today = today or timezone.now().astimezone(zones.of_workspace(workspace)).date()
    since = today - timedelta(days=2 * PERIOD - 1)
    days = list(WorkspaceDay.objects.filter(workspace=workspace, day__gte=since).order_by("day"))
    middle = today - timedelta(days=PERIOD)
    return (
        _sum([day for day in days if day.day > middle]),
        _sum([day for day in days if day.day <= middle]),
    )


def change(now: float | None, before: float | None) -> float | None:
    """Return the change of a rate in percentage points, or None where one side is unknown."""
    return None if now is None or before is None else (now - before) * 100


def growth(workspace: Workspace, *, days: int) -> list[dict[str, object]]:
    """Return points of the growth chart: day, subscribers, and opens as shares of what was sent.

    Days are joined into at most about thirteen steps, so that sparse sends stay readable.
    """
    today = timezone.now().astimezone(zones.of_workspace(workspace)).date()
    since = today - timedelta(days=days - 1)
    rows = list(WorkspaceDay.objects.filter(workspace=workspace, day__gte=since).order_by("day"))
    step = max(1, round(days / 13))
    points: list[dict[str, object]] = []
    for end in range(len(rows), 0, -step):
        period = _sum(rows[max(0, end - step) : end])
        points.append(
            {
                "day": rows[end - 1].day,
                "subscribers": period.subscribers,
                "opened": period.rate("opened"),
                "proxy_opened": period.rate("proxy_opened"),
            }
        )
    return points[::-1]


def recent_rates(workspace: Workspace, *, limit: int = 12) -> list[dict[str, float]]:
    """Return the rates of the last finished campaigns, oldest first, for the spark lines."""
    ids = list(
        Campaign.objects.filter(workspace=workspace, status=CampaignStatus.SENT)
        .order_by("-finished_at")
        .values_list("pk", flat=True)[:limit]
    )
    books, actions = ledgers.of_all(ids), engagement(ids)
    rates = []
    for campaign_id in reversed(ids):
        book, acted = books[campaign_id], actions[campaign_id]
        sent = book.sent or 1
        rates.append(
            {
                "delivered": (book.sent - acted.bounces) / (book.sent + book.failed or 1),
                "opened": acted.opens / sent,
                "clicked": acted.clicks / sent,
                "unsubscribed": acted.unsubscribes / sent,
            }
        )
    return rates


@dataclass(frozen=True, kw_only=True)
class ChecklistStep:
    """One line of the checklist; ``url_name`` and ``place`` lead to the very thing to do.

    ``place`` is the id of an element of that page.
    """

    key: str
    done: bool
    url_name: str
    args: tuple[int, ...] = ()
    place: str = ""


def checklist(workspace: Workspace, *, has_people: bool) -> list[ChecklistStep]:
    """Return what leads a new workspace to its first campaign, in order."""
    accounts = SendingAccount.objects.filter(workspace=workspace)
    real = accounts.exclude(kind=TransportKind.SANDBOX)
    tested = accounts.aggregate(at=Max("tested_at"))["at"]
    working = real.filter(broken_since=None)
    tries = real.first() or accounts.first()
    campaigns = Campaign.objects.filter(workspace=workspace)
    return [
        ChecklistStep(key="account", done=working.exists(), url_name="account_choose"),
        ChecklistStep(
            key="address",
            done=bool(workspace.postal_address),
            url_name="settings_workspace",
            place="id_postal_address",
        ),
        ChecklistStep(key="people", done=has_people, url_name="import_new"),
        ChecklistStep(
            key="template",
            done=campaigns.filter(content__template__isnull=False).exists(),
            url_name="template_new",
        ),
        ChecklistStep(
            key="test",
            done=tested is not None,
            url_name="account_edit" if tries else "account_choose",
            args=(tries.pk,) if tries else (),
            place="test",
        ),
        ChecklistStep(
            key="campaign",
            done=campaigns.filter(started_at__isnull=False).exists(),
            url_name="campaign_new",
        ),
    ]

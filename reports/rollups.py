"""Keeps WorkspaceDay: a row of figures per workspace and day, in the workspace's time zone.

Mail counts on the day it was sent, with all that came of it later: so nothing is counted on two
days, and every share is 1 at most. The figures come from `SendMinute`, a few rows per campaign,
never from the ledgers. "Subscribers" are people who are subscribed to something; for days that are
over, their number follows from today's and from who came and left since. Rebuilt are: today; days
that were not over when they were last counted, and days nobody counted; days of which a mail was
opened, clicked and so on since; and all of the last year when the workspace moves to another zone.
However often it runs, it writes the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from accounts.background import set_aside
from accounts.models import Workspace
from accounts.workspaces import zones
from campaigns.models import Campaign
from delivery.tracking import first_events
from reports.models import WorkspaceDay
from subscribers.directory import counts

MOST_DAYS = 366
LATE = timedelta(minutes=10)  # what a day's last minute brings is recorded by then
ONE = timedelta(days=1)

_PEOPLE = """
WITH days AS (
    SELECT * FROM unnest(%(days)s::date[]) WITH ORDINALITY AS days (day, number)
), joined AS (
    SELECT width_bucket(at, %(starts)s::timestamptz[]) AS number,
        count(DISTINCT subscriber_id) AS joined
    FROM subscribers_consentevent
    WHERE workspace_id = %(workspace)s AND at >= %(start)s
        AND kind IN ('subscribed', 'confirmed', 'resubscribed') GROUP BY 1
), gone AS (
    SELECT width_bucket(at, %(starts)s::timestamptz[]) AS number,
        count(DISTINCT subscriber_id) AS gone
    FROM subscribers_consentevent
    WHERE workspace_id = %(workspace)s AND at >= %(start)s AND kind = 'unsubscribed' GROUP BY 1
)
INSERT INTO reports_workspaceday AS row
    (workspace_id, day, zone, rebuilt_at, subscribers, joined, "left", sent, delivered, opened,
     proxy_opened, clicked, unsubscribed, complained, bounced)
SELECT %(workspace)s, days.day, %(zone)s, %(now)s,
    greatest(0, %(subscribed)s - coalesce(sum(
        coalesce(joined.joined, 0) - coalesce(gone.gone, 0)
    ) OVER (ORDER BY days.day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)),
    coalesce(joined.joined, 0), coalesce(gone.gone, 0), 0, 0, 0, 0, 0, 0, 0, 0
FROM days LEFT JOIN joined USING (number) LEFT JOIN gone USING (number)
ON CONFLICT (workspace_id, day) DO UPDATE SET
    zone = EXCLUDED.zone, rebuilt_at = EXCLUDED.rebuilt_at,
    subscribers = EXCLUDED.subscribers, joined = EXCLUDED.joined, "left" = EXCLUDED."left"
"""
_MAIL = """
WITH days AS (
    SELECT * FROM unnest(%(days)s::date[]) WITH ORDINALITY AS days (day, number)
), mail AS (
    SELECT width_bucket(minute.minute, %(starts)s::timestamptz[]) AS number,
        sum(sent) AS sent, sum(failed) AS failed, sum(opened) AS opened, sum(proxied) AS proxied,
        sum(clicked) AS clicked, sum(unsubscribed) AS unsubscribed,
        sum(complained) AS complained, sum(bounced) AS bounced
    FROM delivery_sendminute AS minute
    JOIN campaigns_campaign AS campaign ON campaign.id = minute.campaign_id
    WHERE campaign.workspace_id = %(workspace)s
        AND minute.minute >= %(start)s AND minute.minute < %(end)s
    GROUP BY 1
)
UPDATE reports_workspaceday AS row SET
    sent = coalesce(mail.sent, 0), delivered = coalesce(mail.sent - mail.bounced, 0),
    opened = coalesce(mail.opened, 0), proxy_opened = coalesce(mail.proxied, 0),
    clicked = coalesce(mail.clicked, 0), unsubscribed = coalesce(mail.unsubscribed, 0),
    complained = coalesce(mail.complained, 0),
    bounced = coalesce(mail.bounced + mail.failed, 0)
FROM days LEFT JOIN mail USING (number)
WHERE row.workspace_id = %(workspace)s AND row.day = days.day
"""


def refresh() -> None:
    """Bring every workspace's days up to date; one that can't be counted keeps no other from it."""
    # Before all else, once after an upgrade: their firsts are not counted yet.
    set_aside.each("figures", first_events.uncounted(), first_events.recount, name=_name)
    marks = first_events.take_changed()
    try:
        days = _days_of(marks)
        rows = Workspace.objects.order_by("pk").iterator()
        set_aside.each(
            "figures",
            rows,
            lambda workspace: follow(workspace, changed=days.get(workspace.pk, set())),
            name=lambda workspace: f"workspace {workspace.pk}",
        )
    except set_aside.AWAY:
        first_events.put_back(marks)
        raise


def follow(
    workspace: Workspace, *, changed: Iterable[date] = (), now: datetime | None = None
) -> None:
    """Rebuild a workspace's days that are due, and those around the ``changed`` ones (UTC)."""
    now = now or timezone.now()
    zone = zones.of_workspace(workspace)
    today = now.astimezone(zone).date()
    since = _first_due(workspace, zone, today=today)
    rebuild(workspace, days=(today - since).days + 1, now=now)
    # A day of UTC lies within three of any zone.
    around = {day + ONE * n for day in changed for n in (-1, 0, 1)}
    known = WorkspaceDay.objects.filter(workspace=workspace, day__in=around, day__lt=since)
    for days in _stretches(sorted(known.values_list("day", flat=True))):
        _run(_MAIL, workspace, days, zone=zone, now=now)


def rebuild(workspace: Workspace, *, days: int, now: datetime | None = None) -> None:
    """Rebuild the last ``days`` days, today included."""
    now = now or timezone.now()
    zone = zones.of_workspace(workspace)
    today = now.astimezone(zone).date()
    wanted = [today - ONE * n for n in range(days - 1, -1, -1)]
    for statement in (_PEOPLE, _MAIL):
        _run(statement, workspace, wanted, zone=zone, now=now)


def _first_due(workspace: Workspace, zone: ZoneInfo, *, today: date) -> date:
    """Return the first day that was missed, was not over, or belongs to another zone."""
    earliest = today - ONE * (MOST_DAYS - 1)
    rows = WorkspaceDay.objects.filter(workspace=workspace, day__gte=earliest, day__lt=today)
    newest = rows.order_by("-day").first()
    if newest is None:
        return max(earliest, workspace.created_at.astimezone(zone).date())
    if newest.zone != zone.key:
        elsewhere = rows.exclude(zone=zone.key).order_by("day").values_list("day", flat=True)
        return elsewhere.first() or today
    is_over = newest.rebuilt_at and newest.rebuilt_at >= _start(newest.day + ONE, zone) + LATE
    return newest.day + ONE if is_over else newest.day


def _days_of(marks: Iterable[tuple[int, date]]) -> dict[int, set[date]]:
    found = list(marks)
    campaigns = Campaign.objects.filter(pk__in={campaign for campaign, _day in found})
    workspaces = dict(campaigns.values_list("pk", "workspace_id"))
    days: dict[int, set[date]] = defaultdict(set)
    for campaign, day in found:
        if campaign in workspaces:
            days[workspaces[campaign]].add(day)
    return days


def _stretches(days: Sequence[date]) -> Iterable[list[date]]:
    """Divide days into stretches without gaps."""
    stretch: list[date] = []
    for day in days:
        if stretch and day != stretch[-1] + ONE:
            yield stretch
            stretch = []
        stretch.append(day)
    if stretch:
        yield stretch


def _run(
    statement: str, workspace: Workspace, days: Sequence[date], *, zone: ZoneInfo, now: datetime
) -> None:
    starts = [_start(day, zone) for day in days]
    subscribed = counts.subscribed(workspace) if statement is _PEOPLE else 0
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "workspace": workspace.pk,
                "days": list(days),
                "starts": starts,
                "start": starts[0],
                "end": _start(days[-1] + ONE, zone),
                "zone": zone.key,
                "subscribed": subscribed,
                "now": now,
            },
        )


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _name(campaign: int) -> str:
    return f"campaign {campaign}"

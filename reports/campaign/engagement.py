"""What readers did, told apart by who did it: people, privacy proxies, scanners."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from campaigns.models import Campaign, Link
from delivery.models import EventTally
from delivery.states import AgentClass, EventKind


@dataclass(frozen=True, kw_only=True)
class UniqueEvents:
    """Unique messages per kind of event; ``proxy_opens`` and ``scanner_clicks`` are no people."""

    opens: int = 0
    clicks: int = 0
    unsubscribes: int = 0
    complaints: int = 0
    bounces: int = 0
    deliveries: int = 0  # confirmed by the receiving server; many providers report none
    proxy_opens: int = 0
    scanner_clicks: int = 0
    seen_opens: int = 0  # by people, each time; where nobody knows whose, they are all there is
    seen_clicks: int = 0


_FIELDS = {
    (EventKind.OPENED, AgentClass.HUMAN): "opens",
    (EventKind.CLICKED, AgentClass.HUMAN): "clicks",
    (EventKind.UNSUBSCRIBED, AgentClass.HUMAN): "unsubscribes",
    (EventKind.COMPLAINED, AgentClass.HUMAN): "complaints",
    (EventKind.BOUNCED, AgentClass.HUMAN): "bounces",
    (EventKind.DELIVERED, AgentClass.HUMAN): "deliveries",
    (EventKind.OPENED, AgentClass.PROXY): "proxy_opens",
}


def engagement(campaign_ids: Iterable[int]) -> dict[int, UniqueEvents]:
    """Return each campaign's engagement in one query over the tallies.

    Clicks are tallied per link, and a person who followed two links counts in both; the row with
    link 0 holds each person once (`delivery.tracking.ingest` keeps it).
    """
    ids = list(campaign_ids)
    figures: dict[int, dict[str, int]] = {campaign_id: {} for campaign_id in ids}
    for tally in EventTally.objects.filter(campaign_id__in=ids):
        mine = figures[tally.campaign_id]
        if tally.kind == EventKind.CLICKED and tally.agent == AgentClass.SCANNER:
            if tally.link_ordinal == 0:
                mine["scanner_clicks"] = tally.total
            continue
        name = _FIELDS.get((EventKind(tally.kind), AgentClass(tally.agent)))
        if name and tally.link_ordinal == 0:
            mine[name] = mine.get(name, 0) + tally.unique
            if name in {"opens", "clicks"}:
                mine[f"seen_{name}"] = tally.total
    return {campaign_id: UniqueEvents(**mine) for campaign_id, mine in figures.items()}


@dataclass(frozen=True, kw_only=True)
class LinkFigures:
    """One link: people who followed it, their share of all who clicked, scanners apart."""

    url: str
    people: int
    total: int
    scanner_clicks: int
    share: float
    bar: float


def links(campaign: Campaign, *, clickers: int) -> list[LinkFigures]:
    """Return the campaign's links, most followed first. ``share`` and ``bar`` are 0 to 1."""
    people: dict[int, EventTally] = {}
    scanners: dict[int, int] = {}
    for tally in EventTally.objects.filter(campaign=campaign, kind=EventKind.CLICKED):
        if tally.agent == AgentClass.HUMAN:
            people[tally.link_ordinal] = tally
        elif tally.agent == AgentClass.SCANNER:
            scanners[tally.link_ordinal] = tally.total
    most = max((t.unique for ordinal, t in people.items() if ordinal), default=0)
    figures = []
    for link in Link.objects.filter(campaign=campaign):
        followed = people.get(link.ordinal)
        unique = followed.unique if followed else 0
        figures.append(
            LinkFigures(
                url=link.url,
                people=unique,
                total=followed.total if followed else 0,
                scanner_clicks=scanners.get(link.ordinal, 0),
                share=unique / clickers if clickers else 0.0,
                bar=unique / most if most else 0.0,
            )
        )
    return sorted(figures, key=lambda figure: -figure.people)


CURVE = """
SELECT width_bucket(extract(epoch FROM first - %(start)s), 0, %(span)s, %(steps)s), count(*)
FROM (
    SELECT CASE %(kind)s WHEN %(opened)s THEN opened_at ELSE clicked_at END AS first
    FROM delivery_message WHERE campaign_id = %(campaign)s
      AND CASE %(kind)s WHEN %(opened)s THEN opened_at ELSE clicked_at END IS NOT NULL
) firsts
WHERE first < %(start)s + %(window)s
GROUP BY 1
"""


def curve(campaign: Campaign, kind: EventKind, *, start: datetime, hours: int = 48) -> list[int]:
    """Return how many people had opened (or clicked) by each hour after ``start``, from hour 0."""
    window = timedelta(hours=hours)
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "start": start,
        "window": window,
        "span": window.total_seconds(),
        "steps": hours,
        "kind": kind.value,
        "opened": EventKind.OPENED.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(CURVE, values)
        by_hour = dict(cursor.fetchall())
    total, points = 0, [0]
    for hour in range(1, hours + 1):
        total += by_hour.get(hour, 0) + (by_hour.get(0, 0) if hour == 1 else 0)
        points.append(total)
    return points

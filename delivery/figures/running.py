"""Figures of a running send: its rate, and what servers said last. Cheap, however large it is."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import F, Sum
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import SendMinute
from delivery.states import REASONS, MessageState, Reason

WINDOW: Final = timedelta(minutes=1)  # a rate "now" looks back this far

# The newest answers for each reason, by the index of exceptions: as cheap for a million of them.
_ERRORS: Final = """
SELECT reply.code, reply.enhanced, reply.text, newest.reason,
    array_agg(DISTINCT newest.domain_group ORDER BY newest.domain_group DESC),
    max(newest.attempted_at) AS last
FROM unnest(%(reasons)s::smallint[]) AS wanted (reason)
CROSS JOIN LATERAL (
    SELECT message.reason, message.domain_group, message.attempted_at, message.reply_id
    FROM delivery_message AS message
    WHERE message.campaign_id = %(campaign)s AND message.reason = wanted.reason
        AND message.reason > 0
    ORDER BY message.id DESC LIMIT %(newest)s
) AS newest
JOIN delivery_serverreply AS reply ON reply.id = newest.reply_id
GROUP BY reply.code, reply.enhanced, reply.text, newest.reason
ORDER BY last DESC NULLS LAST LIMIT %(most)s
"""
_NEWEST: Final = 50  # of each reason are looked at


def messages_per_second(campaign: Campaign) -> float:
    """Return how fast a campaign goes now, or how fast it went if it is over."""
    if campaign.started_at is None:
        return 0.0
    now = timezone.now()
    rows = SendMinute.objects.filter(campaign=campaign)
    if campaign.status == CampaignStatus.SENDING:
        begin = max(campaign.started_at, now.replace(second=0, microsecond=0) - WINDOW)
        rows = rows.filter(minute__gte=begin.replace(second=0, microsecond=0))
        end = now
    elif campaign.finished_at is not None:
        begin, end = campaign.started_at, campaign.finished_at
    else:
        return 0.0
    attempts = rows.aggregate(n=Sum(F("sent") + F("deferred") + F("failed")))["n"] or 0
    seconds = (end - begin).total_seconds()
    return round(attempts / seconds, 1) if seconds > 0 else 0.0


def rates(campaigns: Iterable[Campaign]) -> dict[int, float]:
    """Return how fast campaigns that are being sent go now, by id, in one query."""
    now = timezone.now()
    since = now.replace(second=0, microsecond=0) - WINDOW
    begun = {campaign.pk: campaign.started_at for campaign in campaigns}
    attempts: dict[int, int] = dict.fromkeys(begun, 0)
    rows = (
        SendMinute.objects.filter(campaign__in=list(begun), minute__gte=since)
        .values_list("campaign_id", "minute")
        .annotate(n=Sum(F("sent") + F("deferred") + F("failed")))
    )
    for key, minute, count in rows:
        start = begun[key]
        if start is not None and minute >= start.replace(second=0, microsecond=0):
            attempts[key] += count or 0
    found: dict[int, float] = {}
    for key, start in begun.items():
        seconds = (now - max(start, since)).total_seconds() if start else 0.0
        found[key] = round(attempts[key] / seconds, 1) if seconds > 0 else 0.0
    return found


def last_errors(
    campaign: Campaign, *, most: int = 5
) -> list[tuple[str, Reason, list[int], datetime | None]]:
    """Return what servers said last about mails that were deferred or failed, newest first.

    Each with its reason, the domain groups concerned, and when it was said last. One query by
    index; words that older exceptions got and newer ones did not are not among them.
    """
    reasons = REASONS[MessageState.FAILED] | REASONS[MessageState.DEFERRED]
    given: dict[str, Any] = {
        "campaign": campaign.pk,
        "reasons": sorted(reason.value for reason in reasons),
        "newest": _NEWEST,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ERRORS, given)
        return [
            (f"{code or ''} {enhanced} {text}".strip(), Reason(reason), groups, last)
            for code, enhanced, text, reason, groups, last in cursor.fetchall()
        ]

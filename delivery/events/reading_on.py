"""Opens and clicks that a provider tells of: judged and counted by the code that does ours.

Our own pixel and links see most of them as well. What a provider says of the same moment, and
clicks on addresses that lead through us, are left to those. Where a campaign counts no opens or
clicks, what others counted is not kept either.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from campaigns.models import Campaign, Link
from delivery.events.feedback import Feedback
from delivery.events.matching import Target
from delivery.models import Event
from delivery.states import EventKind
from delivery.tracking import ingest, position
from delivery.tracking.hits import Hit

KINDS: Final = frozenset({EventKind.OPENED, EventKind.CLICKED})
SAME_MOMENT: Final = timedelta(seconds=10)
_OURS: Final = re.compile(r"/c/[A-Za-z0-9_-]{22}/\d+/")


def begin() -> None:
    """Become the one writer of opens and clicks until the transaction ends."""
    position.take(wait=True)


def absorb(news: Sequence[tuple[Feedback, Target]]) -> None:
    """Write opens and clicks; only after `begin`."""
    if not news:
        return
    campaigns = Campaign.objects.in_bulk({target.campaign_id for _one, target in news})
    links = {
        (campaign, url): ordinal
        for campaign, url, ordinal in Link.objects.filter(campaign_id__in=campaigns).values_list(
            "campaign_id", "url", "ordinal"
        )
    }
    seen = _seen({target.message_id for _one, target in news})
    hits = []
    for one, target in news:
        campaign = campaigns.get(target.campaign_id)
        if campaign is None or not _counts(campaign, one) or _is_ours(one, target, seen):
            continue
        ordinal = links.get((target.campaign_id, one.url), 0)
        hits.append(_hit(one, target, ordinal))
        seen.setdefault((target.message_id, one.kind), []).append(one.at)
    if hits:
        ingest.absorb(hits)


def _counts(campaign: Campaign, one: Feedback) -> bool:
    return campaign.track_opens if one.kind is EventKind.OPENED else campaign.track_clicks


def _is_ours(
    one: Feedback, target: Target, seen: dict[tuple[int, EventKind], list[datetime]]
) -> bool:
    if one.kind is EventKind.CLICKED and _OURS.search(one.url):
        return True
    known = seen.get((target.message_id, one.kind), ())
    return any(abs(at - one.at) <= SAME_MOMENT for at in known)


def _seen(ids: Iterable[int]) -> dict[tuple[int, EventKind], list[datetime]]:
    found: dict[tuple[int, EventKind], list[datetime]] = {}
    rows = Event.objects.filter(message_id__in=list(ids), kind__in=[int(kind) for kind in KINDS])
    for message, kind, at in rows.values_list("message_id", "kind", "at"):
        found.setdefault((message, EventKind(kind)), []).append(at)
    return found


def _hit(one: Feedback, target: Target, ordinal: int) -> Hit:
    return Hit(
        message_id=target.message_id,
        kind=one.kind,
        at=one.at,
        ordinal=ordinal,
        user_agent=one.user_agent,
        ip=one.ip or "",
    )

"""How much may be kept of what somebody did: nothing, a count, or who it was.

The campaign's mode counts, else the workspace's. With *individual* tracking a person's own word
goes before: who refused, and where consent is needed who has not given it, is counted anonymously.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection

from campaigns.states import TrackingMode

_CAMPAIGNS = """
SELECT campaign.id,
    coalesce(nullif(campaign.tracking_mode, ''), tracking.mode, 'individual'),
    coalesce(tracking.needs_consent, false)
FROM campaigns_campaign campaign
LEFT JOIN campaigns_workspacetracking tracking ON tracking.workspace_id = campaign.workspace_id
WHERE campaign.id = ANY(%s)
"""
_PEOPLE = """
SELECT DISTINCT ON (subscriber_id) subscriber_id, allows FROM delivery_trackingconsent
WHERE subscriber_id = ANY(%s) ORDER BY subscriber_id, id DESC
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Modes:
    """The modes of some campaigns, and what some people said."""

    campaigns: Mapping[int, tuple[TrackingMode, bool]]
    people: Mapping[int, bool]

    def of(self, campaign_id: int, subscriber_id: int) -> TrackingMode:
        """Return how much may be kept of one person and campaign."""
        mode, needs_consent = self.campaigns.get(campaign_id, (TrackingMode.OFF, False))
        if mode is not TrackingMode.INDIVIDUAL:
            return mode
        is_allowed = self.people.get(subscriber_id, not needs_consent)
        return mode if is_allowed else TrackingMode.ANONYMOUS


def read(campaigns: Collection[int], people: Collection[int]) -> Modes:
    """Read the modes of campaigns (keys) and what people (keys) said, in two statements."""
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGNS, [sorted(campaigns)])
        modes = {row[0]: (TrackingMode(row[1]), row[2]) for row in cursor.fetchall()}
        cursor.execute(_PEOPLE, [sorted(people)])
        said = dict(cursor.fetchall())
    return Modes(campaigns=modes, people=said)

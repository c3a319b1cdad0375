"""Where a click leads: only to a link of that message's campaign, filled in for that person."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from campaigns.models import Campaign, Link
from campaigns.rendering import values
from campaigns.rendering.errors import ContentError
from campaigns.rendering.links import link_tags, link_target
from delivery.models import Message
from subscribers.models import Subscriber

# A paused campaign's links may be edited; other processes hear of it within this time.
KEPT_SECONDS = 30.0
CAMPAIGNS_KEPT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Links:
    read_at: float
    urls: dict[int, str]


class _Shelf:
    """The links of the campaigns that were clicked last, per process."""

    def __init__(self) -> None:
        self._campaigns: OrderedDict[int, _Links] = OrderedDict()

    def url(self, campaign_id: int, ordinal: int) -> str | None:
        """Return a link as it was written, with its merge tags."""
        kept = self._campaigns.get(campaign_id)
        if kept is None or time.monotonic() - kept.read_at > KEPT_SECONDS:
            rows = Link.objects.filter(campaign_id=campaign_id).values_list("ordinal", "url")
            kept = _Links(read_at=time.monotonic(), urls=dict(rows))
            self._campaigns[campaign_id] = kept
            while len(self._campaigns) > CAMPAIGNS_KEPT:
                self._campaigns.popitem(last=False)
        return kept.urls.get(ordinal)

    def clear(self) -> None:
        """Forget everything."""
        self._campaigns.clear()


shelf = _Shelf()


def target(message_id: int, *, ordinal: int) -> str | None:
    """Return the address that link ``ordinal`` of a message leads to, None when there is none.

    Works for people who have left or were erased: their values are then empty.
    """
    row = Message.objects.filter(pk=message_id).values_list("campaign_id", "subscriber_id").first()
    if row is None:
        return None
    campaign_id, subscriber_id = row
    url = shelf.url(campaign_id, ordinal)
    if url is None:
        return None
    try:
        known = _values(campaign_id, subscriber_id) if link_tags(url) else {}
        return link_target(url, known)
    except ContentError:
        return None


def _values(campaign_id: int, subscriber_id: int) -> dict[str, str]:
    workspace = Campaign.objects.select_related("workspace").get(pk=campaign_id).workspace
    person = Subscriber.objects.filter(pk=subscriber_id, workspace=workspace).first()
    return values.values_for(person or Subscriber(), values.merge_tags(workspace))

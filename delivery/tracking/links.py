"""Where a click leads: only to a link of that message's campaign, filled in for that person."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from campaigns.models import Content, Link
from campaigns.rendering import isolation, values
from campaigns.rendering.errors import ContentError
from campaigns.rendering.stored import tags_of
from delivery.models import Message
from subscribers.models import Subscriber

# A paused campaign's links may be edited; other processes hear of it within this time.
KEPT_SECONDS = 30.0
CAMPAIGNS_KEPT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Links:
    read_at: float
    urls: dict[int, str]


class _LinkCache:
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


shelf = _LinkCache()


def target(message_id: int, *, ordinal: int) -> str | None:
    """Return the address that link ``ordinal`` of a message leads to, None when there is none.

    Raises:
        BusyError: a condition in it can't be run just now.

    Works for people who have left or were erased: their values are then empty.
    """
    found = Message.objects.filter(pk=message_id)
    row = found.values_list("campaign_id", "subscriber_id", "content_version").first()
    if row is None:
        return None
    campaign_id, subscriber_id, version = row
    url = shelf.url(campaign_id, ordinal)
    if url is None:
        return None
    try:
        if "{" not in url:
            return isolation.link_target(url, {})
        content = _content(campaign_id, version)
        workspace_id = content.campaign.workspace_id
        person = Subscriber.objects.filter(pk=subscriber_id, workspace=workspace_id).first()
        known = values.values_for(person or Subscriber(), tags_of(content))
        with isolation.on_behalf_of(workspace_id):
            return isolation.link_target(url, known)
    except isolation.BusyError:
        raise
    except ContentError:
        return None


def _content(campaign_id: int, version: int | None) -> Content:
    """Return the version that a message was sent with, for the merge tags of that time."""
    contents = Content.objects.select_related("campaign__workspace").defer("source", "text")
    sent = contents.filter(campaign_id=campaign_id, version=version or 0).first()
    return sent or contents.filter(campaign_id=campaign_id).latest("version")

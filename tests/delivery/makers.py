"""Rows for the tests of delivery: a campaign that was sent, and its readers."""

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Workspace
from campaigns.models import Campaign, Link
from delivery.models import Message
from delivery.states import MessageState
from subscribers.addresses import addresses
from subscribers.consent import lifecycle
from subscribers.models import MailingList, Subscriber
from subscribers.people import people
from subscribers.states import ConsentSource

SENT_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def make_list(workspace: Workspace, name: str, **fields: Any) -> MailingList:
    return MailingList.objects.create(workspace=workspace, name=name, **fields)


def make_subscriber(
    workspace: Workspace, email: str, *lists: MailingList, **fields: Any
) -> Subscriber:
    """Make a person, subscribed to these lists with their consent in the ledger."""
    person, _new = people.add(workspace, address=addresses.normalise(email))
    Subscriber.objects.filter(pk=person.pk).update(**fields)
    person.refresh_from_db()
    for mailing_list in lists:
        lifecycle.subscribe(person, mailing_list=mailing_list, source=ConsentSource.FORM)
    return person


def make_sent_campaign(workspace: Workspace, *lists: MailingList, links: int = 3) -> Campaign:
    campaign = Campaign.objects.create(workspace=workspace, name="Panen raya")
    campaign.include_lists.set(lists)
    for number in range(1, links + 1):
        Link.objects.create(
            campaign=campaign, ordinal=number, url=f"https://kopisenja.example/{number}"
        )
    return campaign


def make_message(campaign: Campaign, person: Subscriber, **fields: Any) -> Message:
    """Make a message that was handed over at `SENT_AT`."""
    fields = {"state": MessageState.SENT, "attempted_at": SENT_AT, **fields}
    return Message.objects.create(campaign=campaign, subscriber_id=person.pk, **fields)


def after(seconds: float) -> datetime:
    """Return the moment so long after the hand-over."""
    return SENT_AT + timedelta(seconds=seconds)

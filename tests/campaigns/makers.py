"""Rows for the tests of campaigns: lists, people, suppressions."""

from hashlib import blake2b
from typing import Any

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.models import Campaign
from subscribers.models import MailingList, Subscriber, Subscription, Suppression
from subscribers.states import SubscriptionStatus, SuppressionReason


def hash_of(workspace: Workspace, email: str) -> bytes:
    return blake2b(email.encode(), key=bytes(workspace.address_key), digest_size=16).digest()


def make_list(workspace: Workspace, name: str = "Newsletter") -> MailingList:
    return MailingList.objects.create(workspace=workspace, name=name)


def make_subscriber(workspace: Workspace, email: str, **fields: Any) -> Subscriber:
    return Subscriber.objects.create(
        workspace=workspace,
        email=email,
        email_key=email.lower(),
        address_hash=hash_of(workspace, email.lower()),
        **fields,
    )


def subscribe(
    subscriber: Subscriber,
    *lists: MailingList,
    status: SubscriptionStatus = SubscriptionStatus.SUBSCRIBED,
) -> Subscriber:
    for mailing_list in lists:
        Subscription.objects.create(
            workspace=subscriber.workspace, list=mailing_list, subscriber=subscriber, status=status
        )
    return subscriber


def make_reader(
    workspace: Workspace, mailing_list: MailingList, email: str, **fields: Any
) -> Subscriber:
    """Make somebody who is subscribed to the list."""
    return subscribe(make_subscriber(workspace, email, **fields), mailing_list)


def suppress(subscriber: Subscriber) -> None:
    Suppression.objects.create(
        workspace=subscriber.workspace,
        address_hash=subscriber.address_hash,
        email_key=subscriber.email_key,
        reason=SuppressionReason.MANUAL,
    )


def make_campaign(workspace: Workspace, *lists: MailingList, **fields: Any) -> Campaign:
    """Make a draft that is ready to be sent to these lists."""
    source = fields.pop("source", "Halo {{ first_name }}")
    subject = fields.pop("subject", "Panen raya")
    campaign = lifecycle.create(workspace, name="Panen", source=source, subject=subject)
    fields.setdefault("from_email", "kabar@kopisenja.example")
    Campaign.objects.filter(pk=campaign.pk).update(**fields)
    campaign.refresh_from_db()
    campaign.include_lists.set(lists)
    return campaign

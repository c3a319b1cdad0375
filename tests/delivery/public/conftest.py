"""Ana got a letter of Kopi Senja."""

from dataclasses import dataclass

import pytest

from campaigns.models import Campaign, Content
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.models import Message
from delivery.public import message_link
from subscribers.models import MailingList, Subscriber
from tests.delivery import makers


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A letter that was sent, with everything around it."""

    weekly: MailingList
    offers: MailingList
    person: Subscriber
    campaign: Campaign
    message: Message

    def token(self, purpose: Purpose) -> str:
        """Make the letter's token for a purpose."""
        return tokens.make(self.message.pk, purpose)

    def reader(self, purpose: Purpose = Purpose.UNSUBSCRIBE) -> message_link.Reader:
        """Find who holds the letter."""
        reader = message_link.find(self.token(purpose), purpose)
        assert reader
        return reader


@pytest.fixture
def letter(workspace):
    from django.utils import timezone

    weekly = makers.make_list(workspace, "Kopi Senja Weekly")
    offers = makers.make_list(workspace, "Offers")
    person = makers.make_subscriber(
        workspace, "ana@example.org", weekly, offers, first_name="Ana", language="en"
    )
    campaign = makers.make_sent_campaign(workspace, weekly)
    content = Content.objects.create(
        campaign=campaign,
        subject="Halo {{ first_name }}",
        source="Halo {{ first_name }}, [baca](https://kopisenja.example/1)",
        frozen_at=timezone.now(),
    )
    Campaign.objects.filter(pk=campaign.pk).update(content=content)
    campaign.refresh_from_db()
    return Letter(
        weekly=weekly,
        offers=offers,
        person=person,
        campaign=campaign,
        message=makers.make_message(
            campaign, person, attempted_at=timezone.now(), content_version=1
        ),
    )

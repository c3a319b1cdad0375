"""The person behind a token: which message they hold, and what may be done with it."""

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Workspace
from campaigns.audience import rule
from campaigns.models import Campaign
from delivery.mime import tokens
from delivery.models import Dispatch, Message
from subscribers.models import MailingList, Subscriber
from subscribers.people import merging


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody who opened a link of their mail. ``person`` is None when they were erased."""

    message: Message
    campaign: Campaign
    workspace: Workspace
    person: Subscriber | None
    lists: tuple[MailingList, ...]  # that the campaign went to

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages to speak, best first."""
        own = (self.person.language,) if self.person else ()
        return (*own, *(one.language for one in self.lists), self.workspace.default_language)

    @property
    def public_names(self) -> tuple[str, ...]:
        """The lists' names that people may see; those of private lists are the workspace's own."""
        public = MailingList.Visibility.PUBLIC
        return tuple(one.name for one in self.lists if one.visibility == public)

    def token(self, purpose: tokens.Purpose) -> str:
        """Make this message's token for another purpose."""
        return tokens.make(self.message.pk, purpose)


def find(token: str, purpose: tokens.Purpose) -> Reader | None:
    """Return the reader whose token this is; None for a damaged one or another purpose's."""
    message_id = tokens.read(token, purpose)
    return None if message_id is None else of_message(message_id)


def of_message(message_id: int) -> Reader | None:
    """Return the reader of a message whose number came from a signed token."""
    message = Message.objects.filter(pk=message_id).select_related("campaign__workspace").first()
    if message is None:
        return None
    campaign = message.campaign
    person = Subscriber.objects.filter(
        pk=message.subscriber_id, workspace_id=campaign.workspace_id
    ).first() or merging.successor(campaign.workspace_id, message.subscriber_id)
    if person:
        person.workspace = campaign.workspace
    return Reader(
        message=message,
        campaign=campaign,
        workspace=campaign.workspace,
        person=person,
        lists=tuple(_lists_of(campaign).order_by("name", "pk")),
    )


def _lists_of(campaign: Campaign) -> QuerySet[MailingList]:
    """Return the lists of the campaign's beginning; of a letter that never began, today's."""
    lists = Dispatch.objects.filter(campaign=campaign).values_list("lists", flat=True).first()
    if lists is None:
        return rule.lists_of(campaign)
    return MailingList.objects.filter(workspace_id=campaign.workspace_id, pk__in=lists)

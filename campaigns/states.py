"""States of a campaign and the kinds of content it can hold."""

from enum import Enum

from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions


class CampaignStatus(TextOptions):
    """Where a campaign stands."""

    DRAFT = "draft", _("Draft")
    SCHEDULED = "scheduled", _("Scheduled")  # send_at says when; "now" is a send_at that has come
    SENDING = "sending", _("Sending")  # planning included
    PAUSED = "paused", _("Paused")
    SENT = "sent", _("Sent")
    CANCELLED = "cancelled", _("Cancelled")


TRANSITIONS: dict[CampaignStatus, frozenset[CampaignStatus]] = {
    CampaignStatus.DRAFT: frozenset({CampaignStatus.SCHEDULED}),
    CampaignStatus.SCHEDULED: frozenset(
        {CampaignStatus.DRAFT, CampaignStatus.SENDING, CampaignStatus.CANCELLED}
    ),
    CampaignStatus.SENDING: frozenset(
        {CampaignStatus.PAUSED, CampaignStatus.SENT, CampaignStatus.CANCELLED}
    ),
    CampaignStatus.PAUSED: frozenset({CampaignStatus.SENDING, CampaignStatus.CANCELLED}),
    # Settling an unknown message with "send again" reopens a finished campaign.
    CampaignStatus.SENT: frozenset({CampaignStatus.SENDING}),
    CampaignStatus.CANCELLED: frozenset(),
}


OVER = frozenset({CampaignStatus.SENT, CampaignStatus.CANCELLED})  # settled who got it, if anybody
# Somebody said "send it like this": what such a campaign needs can't be taken from it.
CONFIRMED = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.PAUSED})


class Asks(TextOptions):
    """Why a campaign waits for a person's word before anything of it is sent."""

    RESTORED = "restored", _("The database was restored")
    OVERDUE = "overdue", _("Its time was over for more than an hour")
    AWAY = "away", _("Nothing ran for more than an hour")
    LEAVING = "leaving", _("Who is left is being noted as unknown")


class ContentKind(TextOptions):
    """How a content version is written."""

    MARKDOWN = "markdown", _("Simple")
    MJML = "mjml", _("MJML")
    HTML = "html", _("HTML")
    TEXT = "text", _("Plain text")


class TrackingMode(TextOptions):
    """How much of what readers do is noted."""

    OFF = "off", _("Off: nothing is counted")
    ANONYMOUS = "anonymous", _("Anonymous: counted, without saying who it was")
    INDIVIDUAL = "individual", _("Individual: shown on each person's page")


class LeftOut(TextOptions):
    """Why a person of the audience does not get a campaign; the first that holds counts."""

    EXCLUDED = "excluded", _("In an excluded list or segment")
    SUPPRESSED = "suppressed", _("Suppressed")
    UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    PAUSED = "paused", _("Asked for a pause")
    FREQUENCY = "frequency", _("Wants fewer emails")


class Where(Enum):
    """The part of a content that an error is in; ``label`` is what the editor calls it."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    CONTENT = "content"
    TEXT = "text"
    TEMPLATE = "template"
    LINK = "link"

    @property
    def label(self) -> str:
        """Return the word for it in the reader's language."""
        return str(_LABELS[self])


_LABELS = {
    Where.SUBJECT: _("Subject"),
    Where.PREHEADER: _("Preheader"),
    Where.CONTENT: _("Content"),
    Where.TEXT: _("Plain text"),
    Where.TEMPLATE: _("Template"),
    Where.LINK: _("Link"),
}

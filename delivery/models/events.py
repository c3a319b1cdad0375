"""What providers and readers did, as seen and as counted."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions
from accounts.models import Workspace
from campaigns.models import Campaign
from delivery.models.ledger import Message, ServerReply
from delivery.states import AgentClass, Device, Effect, EventKind, FeedbackSource, Reason
from subscribers.models import Subscriber
from subscribers.states import ConsentSource


class UserAgent(models.Model):
    """A user agent's name, stored once."""

    hash = models.BinaryField(max_length=16, unique=True, editable=False)
    text = models.CharField(_("user agent"), max_length=500)
    # None: stored by a release that did not look.
    device = models.PositiveSmallIntegerField(
        _("device"), choices=Device.options, null=True, editable=False
    )

    class Meta:
        verbose_name = _("user agent")
        verbose_name_plural = _("user agents")

    def __str__(self) -> str:
        return self.text


class Event(models.Model):
    """Something a provider or a reader did to a message. Raw: kept as seen, classified beside.

    Without message and subscriber: counted anonymously, and nothing tells who it was.
    """

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="events", db_constraint=False, db_index=False
    )
    message = models.ForeignKey(
        Message,
        models.CASCADE,
        null=True,
        related_name="events",
        db_constraint=False,
        db_index=False,
    )
    subscriber = models.ForeignKey(
        Subscriber,
        models.DO_NOTHING,
        null=True,
        related_name="events",
        db_constraint=False,
        db_index=False,
    )
    kind = models.PositiveSmallIntegerField(_("what"), choices=EventKind.options)
    agent = models.PositiveSmallIntegerField(
        _("by whom"), choices=AgentClass.options, default=AgentClass.HUMAN
    )
    at = models.DateTimeField(_("when"), default=timezone.now)
    link_ordinal = models.PositiveSmallIntegerField(_("link number"), default=0)  # 0: no link
    user_agent = models.ForeignKey(
        UserAgent,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    ip = models.GenericIPAddressField(_("from where"), null=True)
    reason = models.PositiveSmallIntegerField(choices=Reason.options, default=Reason.NONE)
    # Of what servers and providers told us; columns that may be empty, so that no row is rewritten,
    # and with no CHECK (no "positive" ones), for which PostgreSQL would read all of it, locked.
    # ``cause`` is a number of `refusals`, which stands below and is no table.
    cause = models.SmallIntegerField(_("cause"), null=True)
    effect = models.SmallIntegerField(_("effect"), choices=Effect.options, null=True)
    source = models.SmallIntegerField(_("told by"), choices=FeedbackSource.options, null=True)
    reply = models.ForeignKey(
        ServerReply,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    # Why it counts as a person's or not: bits of `delivery.tracking.evidence.Sign`.
    evidence = models.SmallIntegerField(default=0, db_default=0, editable=False)
    country = models.CharField(_("country"), max_length=2, null=True, editable=False)  # noqa: DJ001 - a bit instead of a byte

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["campaign", "kind", "at"], name="event_by_campaign"),
            models.Index(fields=["message"], name="event_by_message"),
            models.Index(fields=["subscriber", "-id"], name="event_by_subscriber"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} · {self.get_kind_display()}"


class StreamPosition(models.Model):
    """How far the one writer of events has come, stored in the transaction that stores them."""

    name = models.CharField(max_length=60, primary_key=True)
    last_id = models.CharField(max_length=40)
    reviewed_through = models.BigIntegerField(default=0)
    lost = models.BigIntegerField(default=0, db_default=0)  # hits that never arrived

    class Meta:
        verbose_name = _("stream position")
        verbose_name_plural = _("stream positions")

    def __str__(self) -> str:
        return f"{self.name} · {self.last_id}"


class EventTally(models.Model):
    """Events of a campaign by kind, agent and link: ``total`` as seen, ``unique`` per message.

    Ordinal 0 is the whole mail (a click adds to its link's row and to that one), so never sum over
    ordinals. An open implied by a click counts once. Kept by `delivery.tracking.counting`.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="event_tallies")
    kind = models.PositiveSmallIntegerField(choices=EventKind.options)
    agent = models.PositiveSmallIntegerField(choices=AgentClass.options)
    link_ordinal = models.PositiveSmallIntegerField(
        _("link number"), default=0
    )  # 0: the whole mail
    total = models.BigIntegerField(default=0)
    unique = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("event tally")
        verbose_name_plural = _("event tallies")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "kind", "agent", "link_ordinal"], name="event_tally_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} · {self.kind} · {self.total}"


class UnsubscribeReason(models.Model):
    """What a person answered when asked why; optional, so most unsubscriptions have none."""

    class Answer(TextOptions):
        TOO_MANY = "too_many", _("Too many emails")
        NOT_EXPECTED = "not_expected", _("Not what I expected")
        NEVER_SIGNED_UP = "never_signed_up", _("I never signed up")
        OTHER = "other", _("Something else")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="unsubscribe_reasons")
    message = models.OneToOneField(
        Message, models.CASCADE, related_name="unsubscribe_reason", db_constraint=False
    )
    answer = models.CharField(_("answer"), max_length=16, choices=Answer.options)
    words = models.CharField(_("in their own words"), max_length=500, blank=True, db_default="")
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("unsubscribe reason")
        verbose_name_plural = _("unsubscribe reasons")

    def __str__(self) -> str:
        return str(self.get_answer_display())


class PersonDevice(models.Model):
    """What a person reads our mail with, and where; one narrow row, kept by `delivery.tracking`."""

    subscriber = models.OneToOneField(
        Subscriber,
        models.CASCADE,
        primary_key=True,
        related_name="device",
        db_constraint=False,
    )
    devices = models.PositiveSmallIntegerField(_("devices"), default=0)  # bits: 1 << Device
    country = models.CharField(_("country"), max_length=2, default="", blank=True)  # the last one

    class Meta:
        verbose_name = _("device of a person")
        verbose_name_plural = _("devices of people")
        indexes = [models.Index(fields=["country"], name="person_device_by_country")]

    def __str__(self) -> str:
        return f"{self.subscriber_id}"


class TrackingConsent(models.Model):
    """What a person said about being tracked individually. Only added to; the newest row counts."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    subscriber = models.ForeignKey(
        Subscriber,
        models.CASCADE,
        related_name="tracking_consents",
        db_constraint=False,
        db_index=False,
    )
    allows = models.BooleanField(_("allows individual tracking"))
    source = models.CharField(_("how"), max_length=20, choices=ConsentSource.options)
    at = models.DateTimeField(_("when"), default=timezone.now)
    ip = models.GenericIPAddressField(_("from where"), null=True)
    user_agent = models.CharField(max_length=300, blank=True, default="")
    message_id = models.BigIntegerField(null=True)  # whose link was used

    class Meta:
        verbose_name = _("tracking consent")
        verbose_name_plural = _("tracking consents")
        indexes = [models.Index(fields=["subscriber", "-id"], name="tracking_consent_newest")]

    def __str__(self) -> str:
        return f"{self.subscriber_id} · {self.allows}"

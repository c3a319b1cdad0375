"""Sending accounts, the ledger (one row per recipient), claims, tallies, events, the sandbox.

The ledger's tables grow to hundreds of millions of rows: small integers, no JSON, no repeated text,
no foreign-key check per row (db_constraint=False where planning inserts by the thousand).
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions
from accounts.models import Workspace
from campaigns.models import Campaign
from delivery.states import (
    AgentClass,
    ClaimState,
    EventKind,
    MessageState,
    Priority,
    Reason,
    TlsMode,
    TransportKind,
)
from subscribers.models import Subscriber
from subscribers.states import DomainGroup


class SendingAccount(models.Model):
    """A configured SMTP server or the sandbox. The password is encrypted (`delivery.secrets`)."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="sending_accounts")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=TransportKind.options,
        default=TransportKind.SMTP,
    )
    host = models.CharField(_("host"), max_length=255, blank=True)
    port = models.PositiveIntegerField(_("port"), default=587)
    tls = models.CharField(
        _("TLS"), max_length=10, choices=TlsMode.options, default=TlsMode.STARTTLS
    )
    verify_certificate = models.BooleanField(_("check the certificate"), default=True)
    username = models.CharField(_("user name"), max_length=255, blank=True)
    encrypted_password = models.BinaryField(blank=True, default=bytes, editable=False)
    from_domains = ArrayField(
        models.CharField(max_length=255),
        verbose_name=_("sender domains"),
        default=list,
        blank=True,
        help_text=_("Campaigns whose sender is in one of these domains use this account."),
    )
    default_from = models.CharField(_("default sender"), max_length=320, blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    max_connections = models.PositiveSmallIntegerField(_("connections at once"), default=8)
    messages_per_connection = models.PositiveIntegerField(_("messages per connection"), default=500)
    per_second = models.PositiveIntegerField(_("per second"), null=True, blank=True)
    per_minute = models.PositiveIntegerField(_("per minute"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(_("per day"), null=True, blank=True)
    # The breaker: set while the server itself is in trouble; nothing is marked failed meanwhile.
    broken_since = models.DateTimeField(_("in trouble since"), null=True, blank=True)
    broken_reason = models.CharField(_("trouble"), max_length=500, blank=True)
    retry_at = models.DateTimeField(_("next try"), null=True, blank=True)
    trouble_count = models.PositiveSmallIntegerField(default=0, editable=False)
    tested_at = models.DateTimeField(_("last test mail"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("sending account")
        verbose_name_plural = _("sending accounts")
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="sending_account_name_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DomainLimit(models.Model):
    """A sending account's limit towards one domain group."""

    account = models.ForeignKey(SendingAccount, models.CASCADE, related_name="domain_limits")
    domain_group = models.PositiveSmallIntegerField(
        _("mailbox provider"), choices=DomainGroup.options
    )
    per_minute = models.PositiveIntegerField(_("per minute"), null=True, blank=True)
    connections = models.PositiveSmallIntegerField(_("connections"), null=True, blank=True)

    class Meta:
        verbose_name = _("limit by mailbox provider")
        verbose_name_plural = _("limits by mailbox provider")
        constraints = [
            models.UniqueConstraint(fields=["account", "domain_group"], name="domain_limit_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} · {self.get_domain_group_display()}"


class Dispatch(models.Model):
    """A campaign's send as the engine sees it: how far planning came, and what it uses."""

    campaign = models.OneToOneField(Campaign, models.CASCADE, related_name="dispatch")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    account = models.ForeignKey(
        SendingAccount, models.SET_NULL, null=True, blank=True, related_name="dispatches"
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.options, default=Priority.CAMPAIGN)
    planned_through = models.BigIntegerField(_("planned up to subscriber"), default=0)
    last_subscriber = models.BigIntegerField(_("last subscriber in the audience"), default=0)
    planning_done_at = models.DateTimeField(_("planning finished"), null=True, blank=True)
    render_errors = models.PositiveIntegerField(_("render errors"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("dispatch")
        verbose_name_plural = _("dispatches")

    def __str__(self) -> str:
        return f"{self.campaign_id}"


class ServerReply(models.Model):
    """A server's words, stored once however many messages got them."""

    hash = models.BinaryField(max_length=16, unique=True, editable=False)
    code = models.PositiveSmallIntegerField(_("code"), default=0)
    enhanced = models.CharField(_("enhanced status"), max_length=12, blank=True)
    text = models.CharField(_("text"), max_length=1000)

    class Meta:
        verbose_name = _("server reply")
        verbose_name_plural = _("server replies")

    def __str__(self) -> str:
        return f"{self.code or ''} {self.enhanced} {self.text}".strip()


class Message(models.Model):
    """The ledger: one row per recipient per campaign, telling the truth at any moment."""

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    subscriber = models.ForeignKey(
        Subscriber,
        models.DO_NOTHING,  # an erased person's row stays, so that totals stay right
        related_name="messages",
        db_constraint=False,
        db_index=False,
    )
    state = models.PositiveSmallIntegerField(
        _("state"), choices=MessageState.options, default=MessageState.PLANNED
    )
    reason = models.PositiveSmallIntegerField(
        _("reason"), choices=Reason.options, default=Reason.NONE
    )
    domain_group = models.PositiveSmallIntegerField(
        _("mailbox provider"), choices=DomainGroup.options, default=DomainGroup.OTHER
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    content_version = models.PositiveSmallIntegerField(_("content version"), null=True)
    created_at = models.DateTimeField(_("planned"), default=timezone.now, editable=False)
    not_before = models.DateTimeField(_("not before"), null=True)
    attempted_at = models.DateTimeField(_("last attempt"), null=True)
    reply = models.ForeignKey(
        ServerReply,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    provider_id = models.CharField(_("provider's id"), max_length=255, null=True)  # noqa: DJ001 - narrow: most rows have none
    # What came back later. Opens and clicks by people only; other traffic is in Event.
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    bounced_at = models.DateTimeField(_("bounced"), null=True)
    complained_at = models.DateTimeField(_("complained"), null=True)
    opened_at = models.DateTimeField(_("first opened"), null=True)
    clicked_at = models.DateTimeField(_("first clicked"), null=True)
    unsubscribed_at = models.DateTimeField(_("unsubscribed"), null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "subscriber"], name="message_unique"),
        ]
        indexes = [
            models.Index(fields=["subscriber", "-id"], name="message_by_subscriber"),
            models.Index(
                fields=["not_before"],
                name="message_due",
                condition=models.Q(not_before__isnull=False),
            ),
            # Pages list the exceptions of a campaign, never its millions of sent rows. No index
            # names ``state``, so PLANNED to SENT is a heap-only update (PostgreSQL's HOT).
            models.Index(
                fields=["campaign", "reason", "id"],
                name="message_by_reason",
                condition=models.Q(reason__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} · {self.get_state_display()}"


class Claim(models.Model):
    """Up to a thousand messages that one worker owns for a while.

    Either a range of message ids of one campaign (``first_message``..``last_message``) or, for
    retries, the ids in ``messages``. Only messages that are PLANNED and have ``attempt`` attempts
    behind them belong to it: so a message that comes back belongs to its new claim alone.
    """

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="claims")
    priority = models.PositiveSmallIntegerField(choices=Priority.options, default=Priority.CAMPAIGN)
    first_message = models.BigIntegerField()
    last_message = models.BigIntegerField()
    messages = ArrayField(models.BigIntegerField(), null=True)
    attempt = models.PositiveSmallIntegerField(_("attempts before"), default=0)
    state = models.PositiveSmallIntegerField(choices=ClaimState.options, default=ClaimState.WAITING)
    not_before = models.DateTimeField(_("not before"), null=True)
    waiting_for = models.CharField(_("waiting for"), max_length=200, blank=True)
    worker = models.CharField(_("worker"), max_length=120, blank=True)
    token = models.CharField(_("journal"), max_length=32, blank=True)
    journal_epoch = models.CharField(
        max_length=64, blank=True
    )  # the Redis run that holds the journal
    held_until = models.DateTimeField(_("held until"), null=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        indexes = [
            models.Index(
                fields=["campaign", "priority", "id"],
                name="claim_by_campaign",
                condition=models.Q(state=ClaimState.WAITING),
            ),
            models.Index(
                fields=["held_until"],
                name="claim_held",
                condition=models.Q(state=ClaimState.HELD),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.first_message}-{self.last_message}"


class MessageTally(models.Model):
    """How many messages of a campaign are in a state, kept in the statement that changes the state.

    Spread over shards so that workers do not queue on one row; sum over ``shard`` to read.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="tallies")
    shard = models.PositiveSmallIntegerField(default=0)
    domain_group = models.PositiveSmallIntegerField(choices=DomainGroup.options)
    state = models.PositiveSmallIntegerField(choices=MessageState.options)
    reason = models.PositiveSmallIntegerField(choices=Reason.options, default=Reason.NONE)
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("message tally")
        verbose_name_plural = _("message tallies")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "shard", "domain_group", "state", "reason"],
                name="message_tally_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} · {self.state} · {self.count}"


class SendMinute(models.Model):
    """Outcomes per campaign, minute and domain group: the live page's chart and rates."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="minutes")
    minute = models.DateTimeField(_("minute"))
    shard = models.PositiveSmallIntegerField(default=0)
    domain_group = models.PositiveSmallIntegerField(choices=DomainGroup.options)
    sent = models.PositiveIntegerField(default=0)
    deferred = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("minute of sending")
        verbose_name_plural = _("minutes of sending")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "minute", "shard", "domain_group"], name="send_minute_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} · {self.minute:%H:%M} · {self.sent}"


class UserAgent(models.Model):
    """A user agent's name, stored once."""

    hash = models.BinaryField(max_length=16, unique=True, editable=False)
    text = models.CharField(_("user agent"), max_length=500)

    class Meta:
        verbose_name = _("user agent")
        verbose_name_plural = _("user agents")

    def __str__(self) -> str:
        return self.text


class Event(models.Model):
    """Something a provider or a reader did to a message. Raw: kept as seen, classified beside."""

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="events", db_constraint=False, db_index=False
    )
    message = models.ForeignKey(
        Message, models.CASCADE, related_name="events", db_constraint=False, db_index=False
    )
    subscriber = models.ForeignKey(
        Subscriber, models.DO_NOTHING, related_name="events", db_constraint=False, db_index=False
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
        TOO_MANY = "too_many", _("Too many letters")
        NOT_EXPECTED = "not_expected", _("Not what I expected")
        NEVER_SIGNED_UP = "never_signed_up", _("I never signed up")
        OTHER = "other", _("Something else")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="unsubscribe_reasons")
    message = models.OneToOneField(
        Message, models.CASCADE, related_name="unsubscribe_reason", db_constraint=False
    )
    answer = models.CharField(_("answer"), max_length=16, choices=Answer.options)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("unsubscribe reason")
        verbose_name_plural = _("unsubscribe reasons")

    def __str__(self) -> str:
        return str(self.get_answer_display())


class SandboxMessage(models.Model):
    """A mail that the built-in sandbox server accepted, kept whole."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="sandbox_messages", null=True
    )
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    envelope_from = models.CharField(_("return path"), max_length=320, blank=True)
    envelope_to = models.CharField(_("to"), max_length=320)
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    message_id = models.CharField(_("Message-ID"), max_length=255, blank=True)
    size = models.PositiveIntegerField(_("size in bytes"))
    raw = models.BinaryField()

    class Meta:
        verbose_name = _("sandbox message")
        verbose_name_plural = _("sandbox messages")
        ordering = ("-id",)
        indexes = [models.Index(fields=["workspace", "-id"], name="sandbox_by_workspace")]

    def __str__(self) -> str:
        return self.subject

"""The ledger: one row per recipient, claims, tallies.

The tables grow to hundreds of millions of rows: small integers, no JSON, no repeated text, no
foreign-key check per row (db_constraint=False where planning inserts by the thousand).
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.models import Campaign
from delivery.models.accounts import SendingAccount
from delivery.states import ClaimState, MessageState, Priority, Reason
from subscribers.models import Subscriber
from subscribers.states import DomainGroup


class Dispatch(models.Model):
    """A campaign's send as the engine sees it: how far planning came, and what it uses."""

    campaign = models.OneToOneField(Campaign, models.CASCADE, related_name="dispatch")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    account = models.ForeignKey(
        SendingAccount, models.SET_NULL, null=True, blank=True, related_name="dispatches"
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.options, default=Priority.CAMPAIGN)
    # The lists it goes to, for good: whoever leaves by its mails leaves these. None: begun by a
    # release that did not keep them.
    lists = ArrayField(models.BigIntegerField(), null=True, editable=False)
    planned_through = models.BigIntegerField(_("planned up to subscriber"), default=0)
    last_subscriber = models.BigIntegerField(_("last subscriber in the audience"), default=0)
    planning_done_at = models.DateTimeField(_("planning finished"), null=True, blank=True)
    render_errors = models.PositiveIntegerField(_("render errors"), default=0)
    # The first person whose mail could not be filled in when many of them paused the campaign.
    unfilled_subscriber = models.BigIntegerField(null=True)
    unfilled_at = models.DateTimeField(null=True)
    # False: sent by a release that did not count firsts by minute; `first_events.recount` does.
    has_figures = models.BooleanField(default=True, db_default=False, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("dispatch")
        verbose_name_plural = _("dispatches")

    def __str__(self) -> str:
        return f"{self.campaign_id}"


class ServerReply(models.Model):
    """A server's words, stored once for all messages that got the like; `text` is an example."""

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
        _("status"), choices=MessageState.options, default=MessageState.PLANNED
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
    # When the first attempt was deferred: the time allowed for retries counts from here.
    deferred_since = models.DateTimeField(_("first deferred"), null=True)
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
    proxied_at = models.DateTimeField(_("first opened by a privacy proxy"), null=True)
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
                fields=["campaign", "not_before"],
                name="message_due_by_campaign",
                condition=models.Q(not_before__isnull=False),
            ),
            # Pages list the exceptions of a campaign, never its millions of sent rows. No index
            # names ``state``, so PLANNED to SENT is a heap-only update (PostgreSQL's HOT).
            models.Index(
                fields=["campaign", "reason", "id"],
                name="message_by_reason",
                condition=models.Q(reason__gt=0),
            ),
            # What a provider reports is found by it. Mail that goes by SMTP has none and stays out.
            models.Index(
                fields=["provider_id"],
                name="message_by_provider_id",
                condition=models.Q(provider_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} · {self.get_state_display()}"


class Claim(models.Model):
    """Up to a thousand messages that one worker owns for a while.

    Either a range of message ids of one campaign (``first_message``..``last_message``) or those of
    the ids in ``messages`` that are in the range (retries, and people at one mailbox provider). The
    range's beginning moves on when a part of a claim was sent. Only messages that are PLANNED and
    have ``attempt`` attempts behind them belong to it: so a message that comes back belongs to its
    new claim alone.
    """

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="claims")
    priority = models.PositiveSmallIntegerField(choices=Priority.options, default=Priority.CAMPAIGN)
    first_message = models.BigIntegerField()
    last_message = models.BigIntegerField()
    messages = ArrayField(models.BigIntegerField(), null=True)
    # Set where all of its people are at one mailbox provider that takes only so many at a time.
    domain_group = models.PositiveSmallIntegerField(_("mailbox provider"), null=True)
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
    """Outcomes per campaign, minute and domain group: the live page's chart and rates.

    Beside them what came of the mail that was sent in that minute, however much later; kept by
    triggers, see `first_events`. ``proxied``: opened by privacy proxies alone.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="minutes")
    minute = models.DateTimeField(_("minute"))
    shard = models.PositiveSmallIntegerField(default=0)
    domain_group = models.PositiveSmallIntegerField(choices=DomainGroup.options)
    sent = models.PositiveIntegerField(default=0)
    deferred = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    opened = models.IntegerField(default=0, db_default=0)
    proxied = models.IntegerField(default=0, db_default=0)
    clicked = models.IntegerField(default=0, db_default=0)
    unsubscribed = models.IntegerField(default=0, db_default=0)
    complained = models.IntegerField(default=0, db_default=0)
    bounced = models.IntegerField(default=0, db_default=0)

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


class ChangedDay(models.Model):
    """A day (UTC) of a campaign's sending of which something came since it was last counted."""

    campaign_id = models.BigIntegerField()
    day = models.DateField()

    class Meta:
        verbose_name = _("day to count anew")
        verbose_name_plural = _("days to count anew")
        constraints = [
            models.UniqueConstraint(fields=["campaign_id", "day"], name="changed_day_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} · {self.day}"

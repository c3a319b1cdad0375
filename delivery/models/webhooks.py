"""Where providers report what became of mail, and what they reported."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from delivery.models.accounts import SendingAccount
from delivery.models.ledger import Message
from delivery.states import EventKind, ProviderEventState


class WebhookAddress(models.Model):
    """The address at which one sending account's provider reports; nobody can guess the token.

    ``encrypted_secrets`` is one JSON object (`installation.secrets`), see `webhooks.credentials`.
    """

    account = models.OneToOneField(SendingAccount, models.CASCADE, related_name="webhook_address")
    token = models.CharField(max_length=43, unique=True, editable=False)
    encrypted_secrets = models.BinaryField(blank=True, default=bytes, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    first_event_at = models.DateTimeField(_("first event"), null=True, editable=False)
    last_event_at = models.DateTimeField(_("last event"), null=True, editable=False)
    # Why the last request that was refused was refused; taken back by one that is right.
    trouble = models.CharField(_("trouble"), max_length=300, blank=True, default="", db_default="")
    trouble_at = models.DateTimeField(_("trouble at"), null=True, editable=False)
    # What Amazon SNS asked for: to be confirmed, or confirmed.
    topic = models.CharField(_("topic"), max_length=300, blank=True, default="", db_default="")
    topic_confirmed_at = models.DateTimeField(_("topic confirmed"), null=True, editable=False)

    class Meta:
        verbose_name = _("webhook address")
        verbose_name_plural = _("webhook addresses")

    def __str__(self) -> str:
        return f"{self.account_id}"


class ProviderEvent(models.Model):
    """One event as a provider reported it, raw, and what became of it.

    ``key`` is the same whenever the same event is reported again. ``payload`` is JSON in ASCII, as
    `events.webhooks.reading` takes it, and ``part`` which of the events in it this one is.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="provider_events", db_index=False
    )
    account = models.ForeignKey(
        SendingAccount, models.CASCADE, related_name="provider_events", db_index=False
    )
    key = models.BinaryField(max_length=16, editable=False)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    at = models.DateTimeField(_("when"), null=True)
    # 0: nothing that an email's story knows, such as "queued".
    kind = models.PositiveSmallIntegerField(_("what"), choices=EventKind.options, default=0)
    word = models.CharField(_("provider's word"), max_length=60, blank=True)
    event_id = models.CharField(_("provider's event id"), max_length=120, blank=True)
    provider_id = models.CharField(_("provider's id"), max_length=255, blank=True)
    recipient = models.CharField(_("recipient"), max_length=320, blank=True)  # in small letters
    state = models.PositiveSmallIntegerField(
        _("status"), choices=ProviderEventState.options, default=ProviderEventState.WAITING
    )
    message = models.ForeignKey(
        Message,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    confidence = models.PositiveSmallIntegerField(_("confidence"), default=0)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True, default="", db_default="")
    part = models.PositiveSmallIntegerField(default=0, db_default=0)
    payload = models.TextField(_("as reported"))

    class Meta:
        verbose_name = _("provider event")
        verbose_name_plural = _("provider events")
        constraints = [
            models.UniqueConstraint(fields=["account", "key"], name="provider_event_unique"),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="provider_event_by_account"),
            models.Index(
                fields=["id"],
                name="provider_event_waiting",
                condition=models.Q(state=ProviderEventState.WAITING),
            ),
            models.Index(
                fields=["account", "-id"],
                name="provider_event_open",
                condition=models.Q(
                    state__in=[ProviderEventState.UNMATCHED, ProviderEventState.FAILED]
                ),
            ),
            models.Index(
                fields=["account", "recipient"],
                name="provider_event_recipient",
                opclasses=["", "text_pattern_ops"],
            ),
            models.Index(fields=["account", "provider_id"], name="provider_event_provider_id"),
            models.Index(fields=["received_at"], name="provider_event_received"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} · {self.word}"

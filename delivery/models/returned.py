"""Mails that came back: where they are fetched, what they were, what people taught us of them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from delivery.models.accounts import SendingAccount
from delivery.states import (
    AfterReading,
    FeedbackSource,
    MailboxAuth,
    MailboxProtocol,
    ReturnedState,
    TlsMode,
    Verdict,
)


class BounceMailbox(models.Model):
    """Where returned mails arrive: an IMAP or POP3 mailbox, or an address that takes them by HTTP.

    ``encrypted_secret`` holds the password; with XOAUTH2 a JSON object of client_secret and
    refresh_token; of a pipe the word in its address (`installation.secrets` encrypts all).
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="bounce_mailboxes")
    name = models.CharField(_("name"), max_length=120)
    account = models.ForeignKey(
        SendingAccount,
        models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("sending account"),
        help_text=_("Empty: bounces of every account may arrive here."),
    )
    protocol = models.CharField(
        _("protocol"),
        max_length=8,
        choices=MailboxProtocol.options,
        default=MailboxProtocol.IMAP,
    )
    host = models.CharField(_("host"), max_length=255, blank=True)
    port = models.PositiveIntegerField(_("port"), default=993)
    tls = models.CharField(
        _("TLS"), max_length=10, choices=TlsMode.options, default=TlsMode.IMPLICIT
    )
    verify_certificate = models.BooleanField(_("check the certificate"), default=True)
    auth = models.CharField(
        _("sign-in"), max_length=10, choices=MailboxAuth.options, default=MailboxAuth.PASSWORD
    )
    username = models.CharField(_("user name"), max_length=255, blank=True)
    encrypted_secret = models.BinaryField(blank=True, default=bytes, editable=False)
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    token_url = models.CharField(_("token address"), max_length=500, blank=True)
    scope = models.CharField(_("scope"), max_length=500, blank=True)
    encrypted_token = models.BinaryField(blank=True, default=bytes, editable=False)
    token_until = models.DateTimeField(null=True, editable=False)
    folder = models.CharField(_("folder"), max_length=255, blank=True, default="INBOX")
    after = models.CharField(
        _("after reading"),
        max_length=8,
        choices=AfterReading.options,
        default=AfterReading.LEAVE,
    )
    move_to = models.CharField(_("move to folder"), max_length=255, blank=True)
    address_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    is_paused = models.BooleanField(_("paused"), default=False)
    # How far the folder is read: what IMAP and POP3 number their mails by.
    uid_validity = models.BigIntegerField(null=True, editable=False)
    last_uid = models.BigIntegerField(default=0, editable=False)
    # 8 bytes of each POP3 mail's UIDL
    seen = models.BinaryField(default=bytes, editable=False)
    # A mail that broke the connection, and how often; then it is passed over.
    stuck_at = models.BigIntegerField(default=0, editable=False)
    stuck_count = models.PositiveSmallIntegerField(default=0, editable=False)
    has_idle = models.BooleanField(default=False, editable=False)
    checked_at = models.DateTimeField(_("last checked"), null=True, editable=False)
    trouble = models.CharField(_("trouble"), max_length=500, blank=True, default="")
    trouble_since = models.DateTimeField(_("in trouble since"), null=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    is_refused = models.BooleanField(default=False, editable=False)  # the password is wrong
    next_check_at = models.DateTimeField(_("next check"), default=timezone.now, editable=False)
    # Who reads it now; others leave it alone until then.
    held_by = models.CharField(max_length=32, blank=True, default="", editable=False)
    held_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("bounce mailbox")
        verbose_name_plural = _("bounce mailboxes")
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="bounce_mailbox_name_unique"
            ),
            models.UniqueConstraint(
                fields=["address_hash"],
                name="bounce_mailbox_address_unique",
                condition=~models.Q(address_hash=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_check_at"],
                name="bounce_mailbox_due",
                condition=models.Q(is_paused=False) & ~models.Q(protocol="pipe"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_fetched(self) -> bool:
        """Whether we go and look; else mails are handed in."""
        return self.protocol != MailboxProtocol.PIPE


class ReturnedMail(models.Model):
    """One mail that came back, kept as it was for a while, and what came of it.

    ``digest`` is the same for the same mail, so that nothing counts twice. ``raw`` is its beginning
    (`delivery.bounces.keeping.LARGEST`), empty once it is forgotten.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="returned_mails")
    mailbox = models.ForeignKey(BounceMailbox, models.SET_NULL, null=True)
    account = models.ForeignKey(SendingAccount, models.SET_NULL, null=True)
    source = models.PositiveSmallIntegerField(
        _("came by"), choices=FeedbackSource.options, default=FeedbackSource.BOUNCE_MAIL
    )
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    digest = models.BinaryField(max_length=16)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    raw = models.BinaryField()
    envelope_to = models.CharField(_("to"), max_length=320, blank=True, default="")
    sender = models.CharField(_("from"), max_length=320, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=300, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=20, blank=True, default="")
    recipients = ArrayField(
        models.CharField(max_length=320), verbose_name=_("recipients"), default=list, blank=True
    )
    state = models.PositiveSmallIntegerField(
        _("status"), choices=ReturnedState.options, default=ReturnedState.KEPT
    )
    effect = models.PositiveSmallIntegerField(_("reason"), default=0)
    message_id = models.BigIntegerField(_("email"), null=True)  # delivery.Message, no constraint
    confidence = models.PositiveSmallIntegerField(_("confidence"), default=0)
    verdict = models.CharField(
        _("said by a person"), max_length=12, choices=Verdict.options, blank=True, default=""
    )
    rules_version = models.PositiveIntegerField(default=0)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True, default="")
    read_at = models.DateTimeField(_("read"), null=True)

    class Meta:
        verbose_name = _("returned email")
        verbose_name_plural = _("returned emails")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "digest"], name="returned_mail_once"),
        ]
        indexes = [
            models.Index(fields=["workspace", "state", "-id"], name="returned_mail_by_state"),
            models.Index(fields=["workspace", "-id"], name="returned_mail_newest"),
            models.Index(
                fields=["received_at"],
                name="returned_mail_waiting",
                condition=models.Q(state=ReturnedState.KEPT.value),
            ),
            models.Index(fields=["received_at"], name="returned_mail_by_age"),
        ]

    def __str__(self) -> str:
        return self.subject


class WordRule(models.Model):
    """What mails are in which these plain words stand: taught by a member of the workspace."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="word_rules")
    words = models.CharField(_("words"), max_length=200)
    verdict = models.CharField(_("means"), max_length=12, choices=Verdict.options)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("rule of words")
        verbose_name_plural = _("rules of words")
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "words"], name="word_rule_unique"),
        ]

    def __str__(self) -> str:
        return self.words


class BounceReplay(models.Model):
    """Kept mails read once more by today's rules, with the numbers before and after."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="bounce_replays")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)
    up_to = models.BigIntegerField(default=0)  # mails kept later were read by today's rules
    done_to = models.BigIntegerField(default=0)
    looked = models.PositiveIntegerField(_("emails"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    before = models.JSONField(default=dict)  # number of mails by state
    after = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.asked_at}"

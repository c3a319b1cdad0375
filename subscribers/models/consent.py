"""What people agreed to, and whom we must not write to."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from subscribers.models.lists import MailingList
from subscribers.models.people import Subscriber
from subscribers.states import ConsentKind, ConsentSource, SuppressionReason


class ConsentStatement(models.Model):
    """A text people agreed to, word for word; never changed, a new wording is a new row."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("consent statement")
        verbose_name_plural = _("consent statements")

    def __str__(self) -> str:
        return self.text[:80]


class ConsentEvent(models.Model):
    """Append-only: who agreed to or left what, when, how, from where. A trigger refuses changes."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="consent_events", db_constraint=False
    )
    list = models.ForeignKey(
        MailingList,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(_("what"), max_length=12, choices=ConsentKind.options)
    source = models.CharField(_("how"), max_length=16, choices=ConsentSource.options)
    at = models.DateTimeField(_("when"), default=timezone.now)
    statement = models.ForeignKey(
        ConsentStatement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    ip = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    actor = models.ForeignKey(
        User,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)
    # The Message-ID of a mail that is no campaign's: the one that asked to confirm.
    mail = models.CharField(_("mail"), max_length=200, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")
        indexes = [
            models.Index(fields=["workspace", "at"], name="consent_by_time"),
            # What retention has yet to forget; an import's rows are not in it.
            models.Index(
                fields=["workspace", "at"],
                name="consent_with_origin",
                condition=models.Q(ip__isnull=False) | ~models.Q(user_agent=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} · {self.kind} · {self.at:%Y-%m-%d}"


class Suppression(models.Model):
    """An address we must not write to, kept even when the person is erased (then only its hash).

    Whenever a subscriber with this address exists, ``email_key`` is filled in: so people and
    suppressions can be joined by it, whichever side is the smaller.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="suppressions")
    address_hash = models.BinaryField(max_length=16, editable=False)
    email_key = models.CharField(_("email address"), max_length=320, blank=True, db_collation="C")
    reason = models.CharField(_("reason"), max_length=12, choices=SuppressionReason.options)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    # The weaker reason below a wish of the person; ``detail`` and what follows tell of it.
    former = models.CharField(
        _("former reason"),
        max_length=12,
        choices=SuppressionReason.options,
        blank=True,
        default="",
        db_default="",
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "address_hash"], name="suppression_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "email_key"], name="suppression_by_key"),
            models.Index(fields=["workspace", "reason", "-id"], name="suppression_by_reason"),
            models.Index(fields=["workspace", "-id"], name="suppression_by_age"),
        ]

    def __str__(self) -> str:
        return self.email_key or str(_("an erased address"))


class SuppressionTally(models.Model):
    """How many addresses a workspace suppresses for a reason; kept by a database trigger."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="suppression_tallies")
    reason = models.CharField(max_length=12, choices=SuppressionReason.options)
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("suppression tally")
        verbose_name_plural = _("suppression tallies")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "reason"], name="suppression_tally_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.reason} · {self.count}"


class Retention(models.Model):
    """How long a workspace keeps what its people left behind, in days; None: for as long as it is.

    ``origin_days``: network address and browser of consent events, opens and clicks.
    ``history_days``: the consent history of a list that somebody has left, counted from leaving.
    ``events_through``: up to which `delivery.Event` origins are gone, so that none is looked at
    twice.
    """

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="retention")
    origin_days = models.PositiveIntegerField(_("network address and browser"), null=True)
    history_days = models.PositiveIntegerField(_("history of people who left"), null=True)
    events_through = models.BigIntegerField(default=0, editable=False)
    applied_at = models.DateTimeField(_("last applied"), null=True, editable=False)

    class Meta:
        verbose_name = _("retention rules")
        verbose_name_plural = _("retention rules")

    def __str__(self) -> str:
        return f"{self.workspace_id}"

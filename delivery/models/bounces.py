"""What follows from bounces: the rules of a workspace, and what they have to remember."""

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from delivery.states import Effect
from subscribers.models import Subscriber
from subscribers.states import DomainGroup

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _number(
    name: "str | _StrPromise", default: int, least: int, most: int
) -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(
        name, default=default, validators=[MinValueValidator(least), MaxValueValidator(most)]
    )


class BouncePolicy(models.Model):
    """After which bounces a workspace writes to an address no more; no row: the defaults.

    The numbers are reasoned in docs/decisions/0087-what-bounces-do.md. ``guard_percent`` is a share
    of the mail that went to a mailbox provider within ``guard_hours``.
    """

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="bounce_policy")
    suppress_hard = models.BooleanField(
        _("Stop at once when an address does not exist"), default=True
    )
    suppress_soft = models.BooleanField(
        _("Stop when an address keeps bouncing for a while"), default=True
    )
    soft_count = _number(_("Bounces in a row"), 5, 1, 100)
    soft_days = _number(_("Over at least so many days"), 14, 0, 365)
    inactive_count = _number(_("Bounces in a row of a mailbox that is switched off"), 2, 1, 100)
    guard = models.BooleanField(
        _("Ask before suppressing when a mailbox provider refuses nearly everybody"), default=True
    )
    guard_least = _number(_("Refusals, at least"), 20, 5, 10_000)
    guard_percent = _number(_("Percent of the emails sent there"), 30, 5, 100)
    guard_hours = _number(_("Within so many hours"), 24, 1, 168)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("bounce policy")
        verbose_name_plural = _("bounce policies")

    def __str__(self) -> str:
        return f"{self.workspace_id}"


class BounceException(models.Model):
    """An address, or a whole domain, that bounces never suppress."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="bounce_exceptions")
    value = models.CharField(
        _("address or domain"), max_length=320
    )  # an address's key, or a domain
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("bounce exception")
        verbose_name_plural = _("bounce exceptions")
        ordering = ("value",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "value"], name="bounce_exception_unique"),
        ]

    def __str__(self) -> str:
        return self.value


class SoftBounces(models.Model):
    """A person's bounces in a row that say nothing final of the address.

    Follows from the ledger (`bounce_policy.runs`), but for ``cleared_at``: what went out before
    that moment counts no more, because somebody took a suppression back.
    """

    subscriber = models.OneToOneField(
        Subscriber,
        models.CASCADE,
        primary_key=True,
        related_name="soft_bounces",
        db_constraint=False,
    )
    count = models.PositiveSmallIntegerField(_("bounces in a row"), default=0)
    first_at = models.DateTimeField(_("first"), null=True)
    last_at = models.DateTimeField(_("last"), null=True)
    cleared_at = models.DateTimeField(_("cleared"), null=True)

    class Meta:
        verbose_name = _("soft bounces")
        verbose_name_plural = _("soft bounces")

    def __str__(self) -> str:
        return f"{self.subscriber_id} · {self.count}"


class FeedbackReceipt(models.Model):
    """A piece of news that was applied, so that the same news told again changes nothing."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    key = models.BinaryField(max_length=16, editable=False)
    message_id = models.BigIntegerField()
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("receipt of news")
        verbose_name_plural = _("receipts of news")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="feedback_receipt_unique"),
        ]
        indexes = [BrinIndex(fields=["seen_at"], name="feedback_receipt_by_age")]

    def __str__(self) -> str:
        return f"{self.message_id}"


class RefusalHour(models.Model):
    """How many mails of a workspace a mailbox provider refused for good in an hour.

    ``domain`` is set where the provider is none of the large ones.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    domain_group = models.PositiveSmallIntegerField(choices=DomainGroup.options)
    domain = models.CharField(max_length=253, blank=True, default="")
    hour = models.DateTimeField()
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("refusals of an hour")
        verbose_name_plural = _("refusals by hour")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "domain_group", "domain", "hour"], name="refusal_hour_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.domain or self.domain_group} · {self.refused}"


class ProviderAlarm(models.Model):
    """A mailbox provider that refuses nearly everybody: nobody is suppressed for it meanwhile.

    Open until a person decides about those who are held back. Mail to a large provider is not sent
    before ``paused_until``.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="provider_alarms")
    domain_group = models.PositiveSmallIntegerField(
        _("mailbox provider"), choices=DomainGroup.options
    )
    domain = models.CharField(_("domain"), max_length=253, blank=True, default="")
    refused = models.PositiveIntegerField(_("refused"))
    of = models.PositiveIntegerField(_("of so many"))
    since = models.DateTimeField(_("since"), default=timezone.now)
    paused_until = models.DateTimeField(_("paused until"), null=True)
    pauses = models.PositiveSmallIntegerField(default=0)
    closed_at = models.DateTimeField(_("decided"), null=True)
    closed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("alarm about a mailbox provider")
        verbose_name_plural = _("alarms about mailbox providers")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "domain_group", "domain"],
                condition=models.Q(closed_at=None),
                name="provider_alarm_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.domain or self.get_domain_group_display()}"


class HeldBack(models.Model):
    """A person who would be suppressed if their mailbox provider did not refuse everybody."""

    alarm = models.ForeignKey(ProviderAlarm, models.CASCADE, related_name="held")
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="+", db_constraint=False
    )
    effect = models.PositiveSmallIntegerField(choices=Effect.options)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("suppression held back")
        verbose_name_plural = _("suppressions held back")
        constraints = [
            models.UniqueConstraint(fields=["alarm", "subscriber"], name="held_back_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.alarm_id} · {self.subscriber_id}"

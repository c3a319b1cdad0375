"""Lists, and who is on them."""

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions, languages
from accounts.models import Workspace
from subscribers.models.people import Subscriber
from subscribers.states import SubscriptionStatus


def new_public_id() -> str:
    """Make an unguessable identifier for public addresses (16 letters)."""
    return secrets.token_urlsafe(12)


class MailingList(models.Model):
    """A list: what people join. Called *list* everywhere people see it."""

    class Visibility(TextOptions):
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")

    class OptIn(TextOptions):
        SINGLE = "single", _("Single opt-in")
        DOUBLE = "double", _("Double opt-in")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="lists")
    name = models.CharField(_("name"), max_length=120)
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    description = models.CharField(_("description"), max_length=300, blank=True)
    visibility = models.CharField(
        _("visibility"),
        max_length=8,
        choices=Visibility.options,
        default=Visibility.PUBLIC,
    )
    opt_in = models.CharField(
        _("opt-in"),
        max_length=8,
        choices=OptIn.options,
        default=OptIn.DOUBLE,
    )
    language = models.CharField(_("language"), max_length=8, blank=True, choices=languages)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        db_table = "subscribers_list"
        verbose_name = _("list")
        verbose_name_plural = _("lists")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="list_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """One person's consent to one list. Its history is in ConsentEvent."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    list = models.ForeignKey(
        MailingList,
        models.CASCADE,
        related_name="subscriptions",
        db_index=False,
        db_constraint=False,
    )
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="subscriptions", db_constraint=False
    )
    status = models.CharField(_("status"), max_length=12, choices=SubscriptionStatus.options)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.UniqueConstraint(fields=["list", "subscriber"], name="subscription_unique"),
        ]
        indexes = [
            # Planning and list pages walk one list's people of one status in key order.
            models.Index(fields=["list", "status", "subscriber"], name="subscription_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} · {self.list_id} · {self.status}"


class SubscriptionTally(models.Model):
    """How many subscriptions of a list have a status; kept by a database trigger."""

    list = models.ForeignKey(MailingList, models.CASCADE, related_name="tallies")
    status = models.CharField(max_length=12, choices=SubscriptionStatus.options)
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("subscription count")
        verbose_name_plural = _("subscription counts")
        constraints = [
            models.UniqueConstraint(fields=["list", "status"], name="subscription_tally_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.list_id} · {self.status} · {self.count}"


class ListDay(models.Model):
    """How many people joined and left a list on a day (UTC); kept by a trigger of the ledger.

    It outlives the people: an erasure takes their consent events, not the day's figures.
    """

    list = models.ForeignKey(MailingList, models.CASCADE, related_name="days", db_index=False)
    day = models.DateField(_("day"))
    joined = models.BigIntegerField(_("joined"), default=0)
    left = models.BigIntegerField(_("left"), default=0)

    class Meta:
        verbose_name = _("day of a list")
        verbose_name_plural = _("days of lists")
        constraints = [
            models.UniqueConstraint(fields=["list", "day"], name="list_day_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.list_id} · {self.day} · +{self.joined} −{self.left}"

"""Actions on many people: what is to be done with whom, how far it came, and what it changed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from subscribers.models.people import Subscriber
from subscribers.states import BulkKind, BulkStatus


class BulkAction(models.Model):
    """One action on many people, done in the background in the order of their keys.

    Whom: ``people`` (ticked by hand), else everybody whom ``filters`` leave (`directory.Filters`)
    up to the key ``up_to``, so that whoever comes later is not meant. ``reached`` is the last key
    behind which everything is done; each batch moves it in the transaction that does the batch.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="bulk_actions")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    kind = models.CharField(_("what"), max_length=16, choices=BulkKind.options)
    status = models.CharField(
        _("status"), max_length=10, choices=BulkStatus.options, default=BulkStatus.WAITING
    )
    settings = models.JSONField(_("settings"), default=dict)  # list, tag, field, detail …
    filters = models.JSONField(_("filters"), default=dict)
    people = ArrayField(models.BigIntegerField(), null=True, blank=True)
    up_to = models.BigIntegerField(default=0)
    reached = models.BigIntegerField(default=0)
    total = models.BigIntegerField(_("people"), null=True, blank=True)
    done = models.BigIntegerField(_("done"), default=0)
    changed = models.BigIntegerField(_("changed"), default=0)
    failure = models.CharField(_("failure"), max_length=300, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["workspace", "-id"], name="bulk_by_workspace"),
            models.Index(
                fields=["id"],
                name="bulk_open",
                condition=models.Q(
                    status__in=[BulkStatus.WAITING, BulkStatus.RUNNING, BulkStatus.UNDOING]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} (#{self.pk})"


class BulkChange(models.Model):
    """Whom an action really changed, and what was there before; undo reads it."""

    id = models.BigAutoField(primary_key=True)
    action = models.ForeignKey(
        BulkAction, models.CASCADE, related_name="changes", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="+", db_constraint=False
    )
    previous = models.CharField(_("before"), max_length=12, blank=True)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("change by an action")
        verbose_name_plural = _("changes by actions")
        indexes = [
            models.Index(fields=["action", "subscriber"], name="bulk_change_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action_id} · {self.subscriber_id}"
